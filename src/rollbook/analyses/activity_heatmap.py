"""Activity heatmap: at which hours of the week do things happen?"""

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar

from pydantic import Field

from rollbook.analyses.chart import Chart, Heatmap
from rollbook.analyses.crowd import Crowd
from rollbook.analyses.question import Answer, Kind, Question, When
from rollbook.store import Scope


class HourOfWeek(Answer):
    """One hour of the week, on the clocks of the question's zone."""

    weekday: int = Field(description="1 is Monday, 7 is Sunday.")
    hour: int = Field(description="0 to 23.")
    events: int


class ActivityHeatmap(Question[HourOfWeek]):
    """How many events happened in each hour of the week?

    All 168 hours of the week are in the answer, Monday's first, added up over the calendar days asked about.
    Counted by quarters of an hour before the clocks of the zone are asked: every zone's offset is a multiple of them.
    An hour that the clocks go through twice in autumn counts both times; one that they jump over in spring stays empty.
    """

    days: Annotated[int, Field(ge=1, le=3660, description="Calendar days, today included.")] = 28

    kind: ClassVar[Kind] = "aggregation"
    sql: ClassVar[str] = """
        with fromUnixTimestamp(quarter * 900) as moment
        select toDayOfWeek(moment, 0, {zone:String}) as weekday, toHour(moment, {zone:String}) as hour,
               sum(counted) as events
        from (select intDiv(toUnixTimestamp(timestamp), 900) as quarter, count() as counted from scope group by quarter)
        group by weekday, hour
        """
    crowd: ClassVar[Crowd] = Crowd(
        "select toDayOfWeek(timestamp, 0, {zone:String}) as weekday, toHour(timestamp, {zone:String}) as hour, person"
        " from scope where person != sipHash64('')",
        keys=("weekday", "hour"),
        figures=("events",),
        weekly=True,
    )
    chart: ClassVar[Chart] = Heatmap(x="hour", y="weekday", color="events")

    def scope(self, when: When) -> Scope:
        """The days counted."""
        return when.calendar_days(self.days)

    def rows(self, found: Sequence[dict[str, Any]], when: When) -> list[HourOfWeek]:
        """All hours, those without events too."""
        events = {(row["weekday"], row["hour"]): row["events"] for row in found}
        return [
            HourOfWeek(weekday=weekday, hour=hour, events=events.get((weekday, hour), 0))
            for weekday in range(1, 8)
            for hour in range(24)
        ]
