"""Settings of the lifecycle: how long what is kept, and where it goes then."""

from pydantic import BaseModel

from rollbook.settings.form import named

LONGEST = 36_500


class LifecycleSettings(BaseModel):
    """How long what is kept, counted from when it was received. Tenants may have other ages of their own."""

    event_expiry_days: int = named(
        365,
        *("EVENT_RETENTION_DAYS", "DATA_RETENTION_DAYS", "HOT_DATA_RETENTION_DAYS"),
        why="Hot: days until raw events are archived and deleted, counted from their receipt. The longest wins.",
        documents="3: 365, 4: 90, 5: 7",
        ge=1,
        le=LONGEST,
    )
    rollup_expiry_days: int = named(
        2_555,
        *("METRICS_RETENTION_DAYS", "WARM_DATA_RETENTION_DAYS"),
        why="Warm: days until rollups are deleted; never before the raw events that they were made from.",
        documents="2: indefinite, 4: 365, 5: 90",
        ge=1,
        le=LONGEST,
    )
    archive_expiry_days: int = named(
        2_555,
        "COLD_DATA_RETENTION_DAYS",
        why="Cold: days until archives are deleted, counted from the receipt of the newest event in them.",
        documents="5: 365, and 7 years",
        ge=1,
        le=LONGEST,
    )
    archive: str = named(
        "",
        "ROLLBOOK_ARCHIVE",
        why="Where archives go: a folder, or `s3://bucket/prefix?region=…&endpoint_override=https://…` (the endpoint"
        " for MinIO and others; keys by `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`); unset: `archive` in the data"
        " folder.",
    )
    restored_days: int = named(
        30, "ROLLBOOK_RESTORED_DAYS", why="Days that restored events stay, before they expire anew.", ge=1, le=LONGEST
    )
    min_free_bytes: int | None = named(
        None,
        "ROLLBOOK_MIN_FREE_BYTES",
        why="With less room on the data folder's disk events are refused (503); unset: 64 MiB, at most 2 % of it.",
        ge=0,
    )
