"""Arrivals: what comes in from which source, and when did the last event come?"""

from datetime import datetime
from typing import ClassVar

from pydantic import Field

from rollbook.analyses.chart import Bars, Chart
from rollbook.analyses.crowd import EVERYONE, Crowd
from rollbook.analyses.question import Answer, Days, Question, When
from rollbook.store import Scope


class Arrival(Answer):
    """One source and dialect."""

    source: str
    dialect: str
    events: int
    people: int
    courses: int
    types: int
    last_event: datetime | None = Field(description="Timestamp of the latest; null: withheld.")
    last_received: datetime | None = Field(description="When the last one came in; null: withheld.")
    late: int = Field(description="Received more than 24 hours after they happened.")


class Arrivals(Question[Arrival]):
    """What comes in from which source and in which dialect, and when did the last event come?

    Of events with a timestamp in the period. What was refused, and how much, the dead letters and the counters say:
    `GET /api/v2/dead-letters/counts` and `GET /api/v2/ingest/counters`.
    """

    days: Days = Field(1, description="The last N x 24 hours.")

    sql: ClassVar[str] = """
        select source, dialect, count() as events, uniqExactIf(person, person != sipHash64('')) as people,
               uniqExactIf(course, course != '') as courses, uniqExact(type) as types, max(timestamp) as last_event,
               max(received) as last_received, countIf(received > timestamp + interval 24 hour) as late
        from (select source, dialect, person, course, type, timestamp, received from scope)
        group by source, dialect
        order by events desc, source, dialect
        """
    crowd: ClassVar[Crowd] = Crowd(
        "select source, dialect, person from scope where person != sipHash64('')",
        keys=("source", "dialect"),
        counts={"people": EVERYONE},
        extremes=("last_event", "last_received"),
    )
    chart: ClassVar[Chart] = Bars(x="source", y="events")

    def scope(self, when: When) -> Scope:
        """The period."""
        return when.last(self.days)
