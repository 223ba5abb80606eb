"""Settings of the lifecycle: how long what is kept, and where it goes then."""

from pydantic import BaseModel

from rollbook.settings.form import named


class LifecycleSettings(BaseModel):
    """How long what is kept."""

    event_expiry_days: int = named(
        365,
        *("EVENT_RETENTION_DAYS", "DATA_RETENTION_DAYS", "ANALYTICS_EVENT_RETENTION_DAYS", "COLD_DATA_RETENTION_DAYS"),
        why="Events older than this are deleted. The longest wins: what is kept can still be deleted.",
        documents="2: 7, 3: 365, 4: 90, 5: 365",
        later=True,
        ge=1,
    )
    metric_expiry_days: int = named(
        365,
        "METRICS_RETENTION_DAYS",
        why="Metric samples older than this are deleted.",
        documents="4: 365",
        later=True,
        ge=1,
    )
