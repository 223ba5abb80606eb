"""Every setting: its names in the environment, its default and why it is what it is.

The five documents name the same thing differently; every name is honoured, the first that is set wins, in the order
given here. `docs/reference/settings.md` is made from this package.
"""

import functools
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import quote

from pydantic import AliasChoices, BeforeValidator, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from rollbook.errors import Invalid
from rollbook.settings.access import AccessSettings
from rollbook.settings.answering import AnsweringSettings
from rollbook.settings.audit import AuditSettings
from rollbook.settings.form import named
from rollbook.settings.later import LATER
from rollbook.settings.lifecycle import LifecycleSettings
from rollbook.settings.privacy import PrivacySettings
from rollbook.settings.sign_in import SignInSettings
from rollbook.settings.studyin import StudyinSettings

Level = Annotated[
    Literal["DEBUG", "INFO", "WARNING", "ERROR"],
    BeforeValidator(lambda text: text.strip().upper() if isinstance(text, str) else text),
]


class Settings(
    AccessSettings,
    SignInSettings,
    AuditSettings,
    PrivacySettings,
    LifecycleSettings,
    AnsweringSettings,
    StudyinSettings,
    BaseSettings,
):
    """Rollbook's settings, read from the environment once, at start. An empty variable counts as unset."""

    model_config = SettingsConfigDict(populate_by_name=True, extra="ignore", frozen=True, env_ignore_empty=True)

    # where it listens
    host: str = named("127.0.0.1", "ROLLBOOK_HOST", why="Address to listen on.", documents="1: 0.0.0.0")
    port: int = named(
        8011,
        *("ROLLBOOK_PORT", "PORT", "HTTP_PORT"),
        why="Port to listen on; 0 takes a free one. Document 1's wins.",
        documents="1: 8011, 3: 3007, 4: 8000, 5: 8006",
        ge=0,
        le=65535,
    )
    log_level: Level = named("INFO", "LOG_LEVEL", why="Least important line written, any case.", documents="4: DEBUG")
    access_log: bool = named(False, "ROLLBOOK_ACCESS_LOG", why="Log each request.")

    # where it keeps things
    data: Path = named(Path("rollbook-data"), "ROLLBOOK_DATA", why="The data folder; `--data` wins over it.")
    clickhouse_url: str | None = named(
        None,
        "ROLLBOOK_CLICKHOUSE_URL",
        why="A ClickHouse server, `http://user:password@host:8123/database`; unset: embedded, in the data folder.",
    )
    writer_expiry_seconds: int = named(
        30,
        "ROLLBOOK_WRITER_EXPIRY_SECONDS",
        why="On a server one process writes; another takes over when it has been silent for so long.",
        ge=5,
    )
    database_url: str | None = named(
        None,
        *("DATABASE_URL", "TIMESCALE_URI"),
        why="PostgreSQL for the records, `postgresql://…`; unset: SQLite in the data folder.",
        documents="4, 5: a PostgreSQL address",
    )
    db_host: str | None = named(
        None,
        *("DB_HOST", "POSTGRES_HOST"),
        why="PostgreSQL in parts, where no DATABASE_URL is set.",
        documents="1: timescaledb, 3: localhost",
    )
    db_port: int = named(5432, "DB_PORT", why="Its port.", documents="3: 5432", ge=1, le=65535)
    db_name: str = named("learning_analytics", "DB_NAME", why="Its database.", documents="3: learning_analytics")
    db_user: str = named("postgres", "DB_USER", why="Its user.", documents="3: postgres")
    db_password: str = named("", *("DB_PASSWORD", "POSTGRES_PASSWORD"), why="Its password.", documents="1, 3: password")
    memory_bytes: int = named(0, "ROLLBOOK_MEMORY_BYTES", why="Most the store may use; 0: half the machine.", ge=0)
    timezone: str = named("UTC", "ROLLBOOK_TIMEZONE", why="Zone of calendar days for tenants without their own.")

    # the way in
    max_batch_size: int = named(10_000, "ROLLBOOK_MAX_BATCH_SIZE", why="Most events in one native request.", ge=1)
    ingest_batch_size: int = named(
        1_000, "MAX_BATCH_SIZE", why="Most events in one request of document 4.", documents="4: 1000", ge=1
    )
    max_body_bytes: int = named(
        32 << 20, "ROLLBOOK_MAX_BODY_BYTES", why="Largest body of a request, after decompression.", ge=1
    )
    max_event_bytes: int = named(256 << 10, "ROLLBOOK_MAX_EVENT_BYTES", why="Largest properties of one event.", ge=1)
    max_id_length: int = named(
        256, "ROLLBOOK_MAX_ID_LENGTH", why="Longest id, user, type or source, in characters.", ge=1
    )
    max_nesting: int = named(16, "ROLLBOOK_MAX_NESTING", why="Deepest nesting of an event's properties.", ge=1)
    max_future_seconds: int = named(
        86_400, "ROLLBOOK_MAX_FUTURE_SECONDS", why="How far ahead of now a timestamp may be.", ge=0
    )
    earliest_year: int = named(2000, "ROLLBOOK_EARLIEST_YEAR", why="Events before it are refused.", ge=1970, le=2100)
    late_after_seconds: int = named(
        86_400, "ROLLBOOK_LATE_AFTER_SECONDS", why="Older on arrival than this is counted as late.", ge=1
    )
    allow_types: str = named(
        "", "ROLLBOOK_ALLOW_TYPES", why="Only these event types are taken; comma-separated, empty: all."
    )
    deny_types: str = named("", "ROLLBOOK_DENY_TYPES", why="These event types are refused; comma-separated.")
    dedup_window_days: int = named(
        30, "ROLLBOOK_DEDUP_WINDOW_DAYS", why="How long an event id is remembered, from receipt.", ge=1
    )
    dedup_filter_bytes: int = named(
        128 << 20,
        "ROLLBOOK_DEDUP_FILTER_BYTES",
        why="Most memory of the duplicate filter; beyond it more ids are looked up in the store.",
        ge=1 << 20,
    )
    queue_events: int = named(
        200_000, "ROLLBOOK_QUEUE_EVENTS", why="Most events waiting for a commit; beyond it: 503.", ge=1
    )
    queue_bytes: int = named(
        256 << 20, "ROLLBOOK_QUEUE_BYTES", why="Most bytes of bodies waiting for a commit; beyond it: 503.", ge=1
    )
    group_events: int = named(
        20_000,
        *("ROLLBOOK_GROUP_EVENTS", "ANALYTICS_BATCH_SIZE", "BATCH_SIZE"),
        why="Most events in one commit; it never waits to be full, so a large one costs no time.",
        documents="2: 100, 3: 1000, 5: 1000",
        ge=1,
    )
    max_dead_letter_bytes: int = named(
        64 << 10, "ROLLBOOK_MAX_DEAD_LETTER_BYTES", why="Most bytes kept of one dead letter.", ge=1
    )

    # questions
    max_query_ms: int = named(
        30_000, "MAX_QUERY_EXECUTION_TIME_MS", why="Longest a question may run.", documents="5: 30000", ge=1
    )
    parallel_queries: int = named(
        10, "PARALLEL_QUERY_LIMIT", why="Most questions that run at once; others wait.", documents="5: 10", ge=1
    )
    velocity_window_days: int = named(
        7, "ROLLBOOK_VELOCITY_WINDOW_DAYS", why="`analytics.velocity.window_days` of document 1.", ge=1, le=366
    )

    window_retention_hours: int = named(
        24,
        "WINDOW_RETENTION_HOURS",
        why="Windows of saved aggregations are there for so long, where these do not say.",
        documents="5: 24",
        ge=1,
        le=366 * 24,
    )

    # rollups
    roll_quiet_seconds: int = named(
        60,
        *("ROLLBOOK_ROLL_QUIET_SECONDS", "ANALYTICS_FLUSH_INTERVAL"),
        why="A day is rolled up after this long without events; answers are exact before, too.",
        documents="2: 60",
        ge=0,
    )

    @property
    def allowed(self) -> frozenset[str]:
        """The only event types taken; empty: all."""
        return _listed(self.allow_types)

    @property
    def denied(self) -> frozenset[str]:
        """The event types refused."""
        return _listed(self.deny_types)


@functools.cache
def _listed(names: str) -> frozenset[str]:
    return frozenset(name.strip() for name in names.split(",") if name.strip())


def load(**given: Any) -> Settings:
    """The settings of the environment, `given` (by field name, None ignored) on top.

    Raises Invalid, naming the variable.
    """
    try:
        # by the winning variable's name: pydantic would let the environment win over a field's own name
        found = Settings(**{names_of(name)[0]: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        raise Invalid(_explain(error)) from error
    if found.database_url is None and found.db_host is not None:
        return found.model_copy(update={"database_url": _assembled(found)})
    return found


def names_of(setting: str) -> list[str]:
    """The environment variables of a setting, the winner first."""
    alias = Settings.model_fields[setting].validation_alias
    return [str(name) for name in alias.choices] if isinstance(alias, AliasChoices) else [setting]


def is_later(setting: str) -> bool:
    """Whether the setting is read and checked, but nothing acts on it yet."""
    extra = Settings.model_fields[setting].json_schema_extra
    return isinstance(extra, dict) and bool(extra["later"])


def ignored(environment: Mapping[str, str]) -> list[str]:
    """The variables of an environment that nothing acts on yet."""
    later = {name for setting in Settings.model_fields if is_later(setting) for name in names_of(setting)}
    return sorted(name for name, value in environment.items() if value and name.upper() in LATER.keys() | later)


def _assembled(found: Settings) -> str:
    password = f":{quote(found.db_password, safe='')}" if found.db_password else ""
    return f"postgresql://{quote(found.db_user, safe='')}{password}@{found.db_host}:{found.db_port}/{found.db_name}"


def _explain(error: ValidationError) -> str:
    return "; ".join(f"setting {_blamed(str(p['loc'][0]))}: {p['msg']}, not {p['input']!r}" for p in error.errors())


def _blamed(winner: str) -> str:
    """The variable that was set, of all that mean this setting."""
    names = next((names_of(s) for s in Settings.model_fields if winner in names_of(s)), [winner])
    return next((name for name in names if os.environ.get(name)), winner)
