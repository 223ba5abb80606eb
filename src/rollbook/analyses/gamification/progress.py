"""Progress: one person's level and streak, from what a question's SQL found of them."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from rollbook.analyses.gamification.streaks import Report, Streak, streak
from rollbook.analyses.question import When
from rollbook.analyses.study.amounts import PASSIVE
from rollbook.settings.curve import Level, curve

_MOMENT = "toUnixTimestamp64Milli(timestamp)"

# of events with the streak that is `reported`: the first moment of each active day, the newest report (the highest of
# the same moment), and the highest ever
STREAK = (
    f"minMapIf(map(toDate(timestamp, {{zone:String}}), {_MOMENT}), type not in {PASSIVE}) as days,"
    f" maxIf(({_MOMENT}, reported), reported >= 0) as report, maxIf(reported, reported >= 0) as best"
)


@dataclass(frozen=True, slots=True)
class Progress:
    """A person's level and streak."""

    level: Level
    streak: Streak


def progress(row: dict[str, Any], curve_text: str, when: When) -> Progress:
    """The progress of a row with `total_xp` and the columns of STREAK, which are taken out of it."""
    days, (at, reported), best = row.pop("days"), row.pop("report"), row.pop("best")
    found = streak(
        days,
        when.today,
        zone=when.zone,
        renewed=moment(days[max(days)]) if days else None,
        report=Report(moment(at), reported) if at else None,
        best=best,
    )
    return Progress(curve(curve_text).level(row["total_xp"]), found)


def moment(milliseconds: int) -> datetime:
    """The moment so long after 1970."""
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds)
