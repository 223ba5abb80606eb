"""Plan: how much is measured, so that every part is bounded in count and in time."""

from dataclasses import dataclass
from pathlib import Path

PARTS = ("ingest", "visible", "live", "questions", "import")

FULL_SIZES = (1_000_000, 3_000_000, 10_000_000, 30_000_000)
QUICK_SIZES = (1_000_000,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """`sizes`: how many events the questions are asked at. `seconds`: of one run of load, `warm_seconds` before it."""

    parts: tuple[str, ...]
    sizes: tuple[int, ...]
    seconds: int
    warm_seconds: int
    rounds: int
    sustained_seconds: int
    visible_posts: int
    watchers: int
    watched_posts: int
    clicks: int
    oulad: Path | None
    asks: int
    learners: int = 100_000
    days: int = 30
    most_seconds_of_asks: float = 20


def planned(
    *,
    quick: bool,
    parts: tuple[str, ...] = PARTS,
    events: int | None = None,
    seconds: int | None = None,
    rounds: int | None = None,
    oulad: Path | None = None,
) -> Plan:
    """The plan of a full or a quick run; what is given replaces its part of it."""
    sizes = QUICK_SIZES if quick else FULL_SIZES
    clicks = 300_000 if quick else 3_000_000
    each = seconds or (4 if quick else 8)
    return Plan(
        parts=parts,
        sizes=sizes if events is None else (events,),
        seconds=each,
        warm_seconds=min(2, each),
        rounds=rounds or (2 if quick else 3),
        sustained_seconds=each if quick else 60,
        visible_posts=50 if quick else 200,
        watchers=1_000 if events is None or events >= 1_000_000 else 50,
        watched_posts=10 if quick else 50,
        clicks=clicks if events is None else min(clicks, events),
        oulad=oulad,
        asks=3 if quick else 10,
    )
