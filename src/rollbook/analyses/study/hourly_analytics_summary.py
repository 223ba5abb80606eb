"""Hourly analytics summary: document 2's materialized view, events of each hour and type."""

from datetime import datetime
from typing import Annotated, ClassVar

from pydantic import Field

from rollbook.analyses.chart import Chart, Line
from rollbook.analyses.crowd import Crowd
from rollbook.analyses.question import Answer, Question, When
from rollbook.store import Scope

MOST_DAYS = 92


class HourOfType(Answer):
    """Events of one type in one hour."""

    hour: datetime = Field(description="When it began; whole hours of UTC.")
    event_type: str
    event_count: int
    unique_users: int
    duration_minutes: float = Field(description="Sum of the events' durations.")


class HourlyAnalyticsSummary(Question[HourOfType]):
    """How many events of each type, and people, were there in each hour?

    Document 2's materialized view `hourly_analytics_summary`, the newest hour first. It is worked out anew each time,
    and so is never behind.
    """

    days: Annotated[int, Field(ge=1, le=MOST_DAYS, description="The last N x 24 hours.")] = 1

    sql: ClassVar[str] = """
        select toStartOfHour(timestamp) as hour, type as event_type, count() as event_count,
               uniqExactIf(person, person != sipHash64('')) as unique_users,
               sum(ifNull(duration, 0)) / 60 as duration_minutes
        from scope
        group by hour, event_type
        order by hour desc, event_type
        """
    crowd: ClassVar[Crowd] = Crowd(
        "select toStartOfHour(timestamp) as hour, type as event_type, person from scope where person != sipHash64('')",
        keys=("hour", "event_type"),
        counts={"unique_users": ""},
        figures=("event_count", "duration_minutes"),
    )
    chart: ClassVar[Chart] = Line(x="hour", y="event_count", color="event_type", types={"hour": "temporal"})

    def scope(self, when: When) -> Scope:
        """The period."""
        return when.last(self.days)
