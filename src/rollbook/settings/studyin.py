"""Settings of document 2: levels, and what of its events is shared through Redis."""

from pydantic import BaseModel

from rollbook.settings.curve import USUAL, CurveText
from rollbook.settings.form import named


class StudyinSettings(BaseModel):
    """Levels and the event bus of document 2."""

    level_curve: CurveText = named(
        USUAL,
        "ROLLBOOK_LEVEL_CURVE",
        why="How much XP a level takes: `quadratic:100`, `linear:100`, `exponential:100:1.5`, or `100,250,500`.",
    )
    redis_events: bool = named(
        True, "ROLLBOOK_REDIS_EVENTS", why="Where Redis is set: publish committed events there, as document 2 says."
    )
    redis_tenant: str = named(
        "default",
        "ROLLBOOK_REDIS_TENANT",
        why="The tenant whose channels and keys have document 2's names; others' carry the tenant in the name.",
    )
    redis_history_days: int = named(
        7,
        "ANALYTICS_EVENT_RETENTION_DAYS",
        why="Days that published events stay in the lists and the timeline in Redis.",
        documents="2: 7",
        ge=1,
        le=366,
    )
    redis_history_events: int = named(
        10_000,
        "ROLLBOOK_REDIS_HISTORY_EVENTS",
        why="Most events in one list of Redis; ten times as many in the timeline.",
        ge=1,
        le=1_000_000,
    )
    redis_queue_events: int = named(
        20_000,
        "ROLLBOOK_REDIS_QUEUE_EVENTS",
        why="Most events waiting for Redis; beyond it they are left out there, counted and logged.",
        ge=1,
    )
