"""Metric list: which metrics are there?"""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, ClassVar

from pydantic import Field

from rollbook.analyses.question import Answer, Days, Question, When
from rollbook.store import Scope


class KnownMetric(Answer):
    """One metric."""

    metric_name: str
    metric_type: str = Field(description="As the last sample says: counter, gauge, histogram, summary or rate.")
    unit: str = Field(description="As the last sample says; empty: it does not.")
    tags: list[str] = Field(description="Names of the tags that its samples have.")
    sources: list[str] = Field(description="Services that send it, at most 20.")
    samples: int
    first_seen: datetime
    last_seen: datetime


class MetricList(Question[KnownMetric]):
    """Which metrics are there, of what type, in what unit, with which tags, and when were they last seen?

    Those with a sample in the last days, in order of their names. Type and unit are those of the last sample; of
    several at the same moment, those that come last in the alphabet.
    """

    days: Days = Field(30, description="The last N x 24 hours.")
    starting: Annotated[str, Field(max_length=256)] = Field("", description="Only those whose names begin so.")
    most: Annotated[int, Field(ge=1, le=10_000)] = Field(1_000, description="At most so many.")

    sql: ClassVar[str] = """
        select metric as metric_name, max((newest, metric_type, metric_unit)) as last, last.2 as last_type,
            last.3 as unit,
            arraySort(groupUniqArrayArray(100)(arrayFlatten(keys))) as tags,
            arraySort(groupUniqArray(20)(source)) as sources,
            sum(n) as samples, min(oldest) as first_seen, last.1 as last_seen
        from (
            select metric, metric_type, metric_unit, source, groupUniqArray(1000)(mapKeys(metric_tags)) as keys,
                count() as n, min(timestamp) as oldest, max(timestamp) as newest
            from scope
            where kind != '' and metric != '' and startsWith(metric, {starting:String})
            group by metric, metric_type, metric_unit, source)
        group by metric
        order by metric
        limit {most:UInt32}
        """

    def scope(self, when: When) -> Scope:
        """The period."""
        return when.last(self.days)

    def rows(self, found: Sequence[dict[str, Any]], when: When) -> list[KnownMetric]:
        """One row for each metric."""
        return [
            KnownMetric(metric_type=row["last_type"], **{n: row[n] for n in row if n not in ("last", "last_type")})
            for row in found
        ]
