"""Schema problems: what is wrong with events that break the definition of their type?"""

from datetime import datetime
from typing import Annotated, ClassVar

from pydantic import Field

from rollbook.analyses.chart import Bars, Chart
from rollbook.analyses.crowd import Crowd
from rollbook.analyses.question import Answer, Question, When
from rollbook.store import Scope


class Problem(Answer):
    """One problem of one type and source."""

    type: str
    source: str
    problem: str = Field(description="`path: what`, without the values; places in lists are [].")
    events: int
    last: datetime | None = Field(description="When an event last had it; null for who sees groups only.")


class SchemaProblems(Question[Problem]):
    """What is wrong with events that were taken although they break their definition?

    Only tenants whose `event_checks` are `lenient` have such events; refused ones are dead letters. Of an event the
    first five problems are known. Those with the most events first, at most 1,000.
    """

    days: Annotated[int, Field(ge=1, le=366)] = Field(7, description="The last N x 24 hours.")

    sql: ClassVar[str] = r"""
        select type, source, problem, count() as events, max(timestamp) as last
        from
        (
            select toString(type) as type, toString(source) as source, timestamp,
                   arrayDistinct(arrayMap(found -> replaceRegexpAll(found, '\\[[0-9]+\\]', '[]'),
                       JSONExtract(properties, 'context', 'problems', 'Array(String)'))) as problems
            from scope
            where invalid = 1
        )
        array join problems as problem
        group by type, source, problem
        order by events desc, type, source, problem
        limit 1000
        """
    crowd: ClassVar[Crowd] = Crowd(
        r"""
        select toString(type) as type, toString(source) as source, person,
               replaceRegexpAll(arrayJoin(JSONExtract(properties, 'context', 'problems', 'Array(String)')),
                   '\\[[0-9]+\\]', '[]') as problem
        from scope where person != sipHash64('') and invalid = 1
        """,
        keys=("type", "source", "problem"),
        figures=("events",),
        extremes=("last",),
    )
    chart: ClassVar[Chart] = Bars(x="problem", y="events", color="type")

    def scope(self, when: When) -> Scope:
        """The period."""
        return when.last(self.days)
