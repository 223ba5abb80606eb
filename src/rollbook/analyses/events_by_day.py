"""Events by day: how much happens on each day."""

from datetime import date
from typing import Annotated, ClassVar

from pydantic import Field

from rollbook.analyses.chart import Bars, Chart
from rollbook.analyses.crowd import Crowd
from rollbook.analyses.question import Answer, Kind, Question, When
from rollbook.store import Scope


class DayCount(Answer):
    """One calendar day in the zone of the question."""

    day: date
    events: int


class EventsByDay(Question[DayCount]):
    """How many events happened on each day?

    A row for each calendar day, those without events too; the empty user's events count.
    """

    days: Annotated[int, Field(ge=1, le=3660, description="Calendar days, today included.")] = 30

    kind: ClassVar[Kind] = "aggregation"
    sql: ClassVar[str] = """
        select day, sum(events) as events
        from activity_scope
        group by day
        order by day
        with fill from {today:Date} - {days:UInt16} + 1 to {today:Date} + 1
        """
    crowd: ClassVar[Crowd] = Crowd(
        "select day, person from activity_scope where person != sipHash64('')", keys=("day",)
    )
    chart: ClassVar[Chart] = Bars(x="day", y="events", types={"day": "temporal"})

    def scope(self, when: When) -> Scope:
        """The days shown."""
        return when.calendar_days(self.days)
