"""Event distribution: how often each type of event happened."""

from typing import ClassVar

from pydantic import Field

from rollbook.analyses.chart import Bars, Chart
from rollbook.analyses.crowd import Crowd
from rollbook.analyses.question import Answer, Days, Kind, Question, When
from rollbook.store import Scope


class TypeCount(Answer):
    """One type of event."""

    type: str
    events: int


class EventDistribution(Question[TypeCount]):
    """How many events of each type happened in the last days?

    The most frequent first, by name where two are equally frequent; the empty user's events too.
    """

    days: Days = Field(1, description="The last N x 24 hours.")

    kind: ClassVar[Kind] = "aggregation"
    sql: ClassVar[str] = """
        select type, sum(events) as events from activity_scope group by type order by events desc, type
        """
    crowd: ClassVar[Crowd] = Crowd(
        "select type, person from activity_scope where person != sipHash64('')",
        keys=("type",),
        figures=("events",),
        weekly=True,
    )
    chart: ClassVar[Chart] = Bars(x="type", y="events")

    def scope(self, when: When) -> Scope:
        """The period."""
        return when.last(self.days)
