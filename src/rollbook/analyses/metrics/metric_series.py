"""Metric series: the samples of metrics, summed up in buckets of the calendar."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, ClassVar

from pydantic import Field

from rollbook.analyses.chart import Chart, Line
from rollbook.analyses.metrics.bucketed import LOOKBACK, Bucketed, Point
from rollbook.analyses.metrics.calendar import moment_of
from rollbook.analyses.metrics.parameters import Aggregation
from rollbook.analyses.question import When
from rollbook.store import Scope

# percentiles in the order in which the SQL finds them
RANKS = ("p50", "p95", "p99")


class MetricSeries(Bucketed):
    """How did metrics develop: a value for each minute, hour, day, week, month or quarter?

    The samples in a bucket are summed up by `aggregation`; percentiles are exact, between two samples in proportion. A
    sample of a counter tells how far it has counted: the sum of a counter is what it has grown by, each sample against
    the one before it (of the same tags and source, at most a day before); a fall is a new start from 0. Its other
    aggregations, and all of other types, are of the samples as they are. With `fill_missing` buckets without samples
    are there too: sums and counts are 0, all else is null.
    """

    aggregation: Aggregation = Field("avg", description="How the samples of a bucket become one value.")

    sql: ClassVar[str] = """
        with arrayFlatten(arrayMap(s -> range(s.1, s.2, s.3), {stretches:Array(Tuple(Int64, Int64, Int64))})) as edges
        select name, bucket, tags, sum(n) as samples, sum(total) as summed, sum(plain) / samples as mean,
            min(least) as lowest, max(most) as highest, quantilesExactInclusiveMerge(0.5, 0.95, 0.99)(ranks) as ranked
        from (
            select name, bucket, tags, n, least, most, ranks, plain,
                -- of a counter: the steps between neighbours, the first of which leads here from an earlier bucket
                arrayConcat(if(empty(before), [], [before[-1]]), told) as steps,
                if(series = 0, plain, arraySum(
                    (a, b) -> multiIf(b.1 - a.1 > {lookback_ms:Int64}, 0, b.2 >= a.2, b.2 - a.2, b.2),
                    arrayPopBack(steps), arrayPopFront(steps))) as total
            from (
                select *, lagInFrame(told) over (partition by name, tags, series order by bucket
                    rows between 1 preceding and current row) as before
                from (
                    select metric as name, roundDown(toUnixTimestamp64Milli(timestamp), edges) as bucket,
                        arrayMap(k -> if(mapContains(metric_tags, k), metric_tags[k],
                            if(k = 'source_service', source, '')), {group_by:Array(String)}) as tags,
                        if(metric_type = 'counter', cityHash64(source, mapSort(metric_tags)), 0) as series,
                        count() as n, min(metric_value) as least, max(metric_value) as most,
                        sum(metric_value) as plain,
                        quantilesExactInclusiveStateIf(0.5, 0.95, 0.99)(metric_value, {ranked:Bool}) as ranks,
                        arraySort(groupArrayIf((toUnixTimestamp64Milli(timestamp), metric_value),
                            metric_type = 'counter' and {aggregation:String} = 'sum')) as told
                    from scope
                    where kind != '' and metric in {metric_names:Array(String)}
                        and (timestamp >= {begin:DateTime64(3, 'UTC')}
                            or (metric_type = 'counter' and {aggregation:String} = 'sum'))
                        and arrayAll((k, v) -> has(v, if(mapContains(metric_tags, k), metric_tags[k],
                            if(k = 'source_service', source, ''))),
                            {filter_names:Array(String)}, {filter_values:Array(Array(String))})
                    group by name, bucket, tags, series)))
        where bucket >= {first_edge:Int64}
        group by name, bucket, tags
        order by name, tags, bucket
        limit {most:UInt32}
        """
    chart: ClassVar[Chart] = Line(x="timestamp", y="value", color="metric_name", types={"timestamp": "temporal"})

    def scope(self, when: When) -> Scope:
        """The range, and of counters the day before it."""
        return self.between(when, lookback=LOOKBACK if self.aggregation == "sum" else timedelta())

    def bound(self, when: When) -> dict[str, Any]:
        """The buckets, and one before them for what counters had reached."""
        more = {"ranked": self.aggregation in RANKS, "lookback_ms": LOOKBACK // timedelta(milliseconds=1)}
        return super().bound(when) | more

    def empty(self) -> float | None:
        """What a bucket without samples has."""
        return 0.0 if self.aggregation in ("sum", "count") else None

    def points(self, found: Sequence[dict[str, Any]], when: When) -> list[Point]:
        """The points of the buckets that have samples."""
        return [
            Point(
                metric_name=row["name"],
                timestamp=moment_of(row["bucket"]),
                value=self._value(row),
                tags=dict(zip(self.group_by, row["tags"], strict=True)),
                samples=row["samples"],
            )
            for row in found
        ]

    def _value(self, row: dict[str, Any]) -> float:
        if self.aggregation in RANKS:
            return float(row["ranked"][RANKS.index(self.aggregation)])
        column = {"sum": "summed", "avg": "mean", "min": "lowest", "max": "highest", "count": "samples"}
        return float(row[column[self.aggregation]])
