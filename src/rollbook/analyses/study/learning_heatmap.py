"""Learning heatmap: one person's activity of each day, for a calendar."""

import dataclasses
from collections.abc import Sequence
from datetime import date
from typing import Any, ClassVar

from pydantic import Field

from rollbook.analyses.chart import Bars, Chart
from rollbook.analyses.question import Answer, Days, Question, When
from rollbook.analyses.study.amounts import PASSIVE
from rollbook.analyses.study.daily_activity_summary import first_day
from rollbook.analyses.study.sessions import SESSIONS, PersonId
from rollbook.store import Scope
from rollbook.store.scope import DAY


class DayOfCalendar(Answer):
    """One calendar day."""

    date: date
    activity_count: int = Field(description="Events but for `streak_update`, `api_request`, `api_error`.")
    duration_minutes: float = Field(description="How long the sessions took that began on the day.")
    xp_earned: int


class LearningHeatmap(Question[DayOfCalendar]):
    """How much did this person do on each day?

    Every day is in the answer, those without anything too. Sessions and XP count as for `learning_overview`; one that
    began before the day before the first is cut.
    """

    user: PersonId = Field(description="Whose; the empty one: what nobody known did.")
    days: Days = Field(365, description="Calendar days, today included.")

    sql: ClassVar[str] = f"""
        select toDate(timestamp, {{zone:String}}) as date, countIf(type not in {PASSIVE}) as activity_count,
               sumIf(seconds, opens) / 60 as duration_minutes, sum(xp) as xp_earned
        from ({SESSIONS})
        where date >= {{first_day:Date}}
        group by date
        """
    chart: ClassVar[Chart] = Bars(x="date", y="activity_count", types={"date": "temporal"})

    def scope(self, when: When) -> Scope:
        """The days of this person, and one before them, in which their sessions may have begun."""
        return dataclasses.replace(when.calendar_days(self.days + 1), users=(self.user,))

    def bound(self, when: When) -> dict[str, Any]:
        """The first day, too."""
        return super().bound(when) | {"first_day": first_day(self.days, when)}

    def rows(self, found: Sequence[dict[str, Any]], when: When) -> list[DayOfCalendar]:
        """All days."""
        known = {row["date"]: row for row in found}
        empty = {"activity_count": 0, "duration_minutes": 0.0, "xp_earned": 0}
        days = (when.today - back * DAY for back in reversed(range(self.days)))
        return [DayOfCalendar(**{"date": day} | known.get(day, empty)) for day in days]
