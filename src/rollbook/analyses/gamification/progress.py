"""Progress: one person's level and streak, and what the questions that tell of them share."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, Self

from pydantic import Field

from rollbook.analyses.gamification.streaks import Report, Streak, streak
from rollbook.analyses.learner.of_learner import OfLearner
from rollbook.analyses.question import A, Days, When
from rollbook.analyses.study.amounts import PASSIVE
from rollbook.analyses.study.sessions import PersonId
from rollbook.settings import Settings
from rollbook.settings.curve import USUAL, CurveText, Level, curve

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


class ProgressQuestion(OfLearner[A], Generic[A]):
    """A question about one person: what they did in a period, and how far they have come with all they ever did."""

    user: PersonId = Field(description="Whose; the empty one: what nobody known did.")
    days: Days = Field(30, description="Calendar days, today included.")
    curve: CurveText | None = Field(None, description="Curve of levels; default: ROLLBOOK_LEVEL_CURVE.")

    def settled(self, settings: Settings) -> Self:
        """The curve is the setting's where none is given."""
        return self.model_copy(update={"curve": self.curve or settings.level_curve})

    def bound(self, when: When) -> dict[str, Any]:
        """When the period begins."""
        return {"begin": when.calendar_days(self.days).begin, "zone": when.zone}

    def progress(self, row: dict[str, Any], when: When) -> Progress:
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
        return Progress(curve(self.curve or USUAL).level(row["total_xp"]), found)


def moment(milliseconds: int) -> datetime:
    """The moment so long after 1970."""
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds)
