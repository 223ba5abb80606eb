"""Every setting: its names in the environment, its default and why it is what it is.

The five documents name the same thing differently; every name is honoured, the first that is set wins, in the order
given here. `docs/reference/settings.md` is made from this file.
"""

from pathlib import Path
from typing import Any, Literal

from pydantic import AliasChoices, Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from rollbook.errors import Invalid


def named(*names: str) -> Any:
    """Environment variables of a setting, the winner first."""
    return AliasChoices(*names)


class Settings(BaseSettings):
    """Rollbook's settings, read from the environment once, at start."""

    model_config = SettingsConfigDict(populate_by_name=True, extra="ignore", frozen=True)

    # where it listens
    host: str = Field("127.0.0.1", validation_alias=named("ROLLBOOK_HOST"), description="Address to listen on.")
    port: int = Field(
        8011,
        ge=0,
        le=65535,
        validation_alias=named("ROLLBOOK_PORT", "PORT", "HTTP_PORT"),
        description="Port to listen on; 0 takes a free one. Document 1's default wins (document 3: 3007, 4: 8000, 5: 8006).",
    )
    auth: Literal["none"] = Field(
        "none", validation_alias=named("ROLLBOOK_AUTH"), description="Access: `none` serves loopback addresses only."
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", validation_alias=named("LOG_LEVEL"), description="Least important log line that is written."
    )

    # where it keeps things
    data: Path = Field(Path("rollbook-data"), validation_alias=named("ROLLBOOK_DATA"), description="The data folder.")
    clickhouse_url: str | None = Field(
        None,
        validation_alias=named("ROLLBOOK_CLICKHOUSE_URL"),
        description="A ClickHouse server, `http://user:password@host:8123/database`; unset: embedded, in the data folder.",
    )
    database_url: str | None = Field(
        None,
        validation_alias=named("DATABASE_URL", "TIMESCALE_URI"),
        description="PostgreSQL for the records, `postgresql://…`; unset: SQLite in the data folder.",
    )
    memory_bytes: int = Field(
        0, ge=0, validation_alias=named("ROLLBOOK_MEMORY_BYTES"), description="Most the store may use; 0: half the machine."
    )
    timezone: str = Field(
        "UTC", validation_alias=named("ROLLBOOK_TIMEZONE"), description="Zone of calendar days for tenants without their own."
    )

    # the way in
    max_batch_size: int = Field(
        10_000, ge=1, validation_alias=named("ROLLBOOK_MAX_BATCH_SIZE"), description="Most events in one native request."
    )
    ingest_batch_size: int = Field(
        1_000, ge=1, validation_alias=named("MAX_BATCH_SIZE"), description="Most events in one request of document 4."
    )
    max_body_bytes: int = Field(
        32 << 20, ge=1, validation_alias=named("ROLLBOOK_MAX_BODY_BYTES"), description="Largest body, after decompression."
    )
    max_event_bytes: int = Field(
        256 << 10, ge=1, validation_alias=named("ROLLBOOK_MAX_EVENT_BYTES"), description="Largest properties of one event."
    )
    max_id_length: int = Field(
        256, ge=1, validation_alias=named("ROLLBOOK_MAX_ID_LENGTH"), description="Longest id, user, type or source, in characters."
    )
    max_nesting: int = Field(
        16, ge=1, validation_alias=named("ROLLBOOK_MAX_NESTING"), description="Deepest nesting of an event's properties."
    )
    max_future_seconds: int = Field(
        86_400, ge=0, validation_alias=named("ROLLBOOK_MAX_FUTURE_SECONDS"), description="How far ahead a timestamp may be."
    )
    earliest_year: int = Field(
        2000, ge=1970, le=2100, validation_alias=named("ROLLBOOK_EARLIEST_YEAR"), description="Events before it are refused."
    )
    late_after_seconds: int = Field(
        86_400, ge=1, validation_alias=named("ROLLBOOK_LATE_AFTER_SECONDS"), description="Older on arrival than this is late."
    )
    allow_types: str = Field(
        "", validation_alias=named("ROLLBOOK_ALLOW_TYPES"), description="Only these event types are taken; comma-separated, empty: all."
    )
    deny_types: str = Field(
        "", validation_alias=named("ROLLBOOK_DENY_TYPES"), description="These event types are refused; comma-separated."
    )
    dedup_window_days: int = Field(
        30, ge=1, validation_alias=named("ROLLBOOK_DEDUP_WINDOW_DAYS"), description="How long an event id is remembered, from receipt."
    )
    dedup_filter_bytes: int = Field(
        128 << 20,
        ge=1 << 20,
        validation_alias=named("ROLLBOOK_DEDUP_FILTER_BYTES"),
        description="Most memory of the duplicate filter; beyond it more ids are looked up in the store.",
    )
    queue_events: int = Field(
        200_000, ge=1, validation_alias=named("ROLLBOOK_QUEUE_EVENTS"), description="Most events waiting for a commit; then 503."
    )
    group_events: int = Field(
        20_000, ge=1, validation_alias=named("ROLLBOOK_GROUP_EVENTS"), description="Most events in one commit."
    )
    max_dead_letter_bytes: int = Field(
        64 << 10, ge=1, validation_alias=named("ROLLBOOK_MAX_DEAD_LETTER_BYTES"), description="Most bytes kept of one dead letter."
    )

    # questions
    max_query_ms: int = Field(
        30_000, ge=1, validation_alias=named("MAX_QUERY_EXECUTION_TIME_MS"), description="Longest a question may run."
    )
    parallel_queries: int = Field(
        10, ge=1, validation_alias=named("PARALLEL_QUERY_LIMIT"), description="Most questions that run at once; others wait."
    )
    velocity_window_days: int = Field(
        7, ge=1, le=366, validation_alias=named("ROLLBOOK_VELOCITY_WINDOW_DAYS"), description="`analytics.velocity.window_days`."
    )

    # rollups
    roll_quiet_seconds: int = Field(
        60, ge=0, validation_alias=named("ROLLBOOK_ROLL_QUIET_SECONDS"), description="A day is rolled up after this long without events."
    )


def load(**given: Any) -> Settings:
    """The settings of the environment, `given` (by field name, None ignored) on top. Raises Invalid, naming the variable."""
    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})
    except ValueError as error:
        raise Invalid(_explain(error)) from error


def _explain(error: ValueError) -> str:
    problems = getattr(error, "errors", list)()
    return "; ".join(f"setting {'.'.join(map(str, p['loc']))}: {p['msg']}, not {p['input']!r}" for p in problems) or str(error)
