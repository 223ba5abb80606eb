"""Performance: how the services behind the learning run (document 5's PerformanceMetrics)."""

import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, ClassVar

from pydantic import Field

from rollbook.analyses.chart import Chart, Line
from rollbook.analyses.crowd import Crowd
from rollbook.analyses.question import Answer, Question, When
from rollbook.store import Scope
from rollbook.store.scope import EPOCH, MILLISECOND

MOST_ROWS = 20_000


class Running(Answer):
    """One service in one stretch of time. Document 5's fields; null: nothing was reported."""

    service: str = Field(description="Property (of a metric: tag) `service`, else the source of the event.")
    timestamp: datetime = Field(description="When the stretch begins.")
    request_count: int
    error_count: int
    error_rate: float = Field(description="Errors over requests; 0 without requests.")
    latency_p50: float | None = Field(description="Milliseconds.")
    latency_p95: float | None = Field(description="Milliseconds.")
    latency_p99: float | None = Field(description="Milliseconds.")
    throughput: float = Field(description="Requests a second, over the part of the stretch that was asked about.")
    cpu_usage: float | None = Field(description="Mean of the metric `cpu_usage` (or `cpu`), as it was reported.")
    memory_usage: float | None = Field(description="Mean of the metric `memory_usage` (or `memory`).")
    active_connections: int | None = Field(description="Highest value of the metric `active_connections`.")


class Performance(Question[Running]):
    """How many requests did each service get, how many failed, how long did they take, and how busy was it?

    Requests are the events `api_request` and `api_error`; a request is one of the two. It failed if it is an
    `api_error`, or its `status_code` is 500 or more. It took `latency_ms`, else its duration. Percentiles are exact,
    linear between two values. Processor, memory and connections come from system metrics. Stretches are counted from
    midnight UTC; those without anything have no row. Services by name, each from the oldest stretch on.
    """

    hours: Annotated[int, Field(ge=1, le=24 * 366, description="The last N hours.")] = 24
    minutes: Annotated[int, Field(ge=1, le=1440, description="Length of a stretch.")] = 60

    sql: ClassVar[str] = """
        select service, stretch, countIf(is_request) as requests, countIf(is_error) as errors,
               quantilesExactInclusiveIf(0.5, 0.95, 0.99)(took, isNotNull(took)) as latency,
               avgOrNullIf(said.metric_value, metric in ('cpu_usage', 'cpu')) as cpu,
               avgOrNullIf(said.metric_value, metric in ('memory_usage', 'memory')) as memory,
               maxOrNullIf(said.metric_value, metric = 'active_connections') as connections
        from (
            select stretch, said, type in ('api_request', 'api_error') as is_request,
                   is_request and (type = 'api_error' or ifNull(said.status_code, 0) >= 500) as is_error,
                   if(is_request, ifNull(said.latency_ms, duration * 1000), null) as took,
                   if(is_request or isNull(said.metric_value), '', said.metric_name) as metric,
                   multiIf(said.service != '', said.service, said.tags.service != '', said.tags.service, source)
                       as service
            from (
                select intDiv(toUnixTimestamp64Milli(timestamp), {stretch_ms:Int64}) as stretch, type, source, duration,
                       JSONExtract(measured,
                           'Tuple(service String, status_code Nullable(Int64), latency_ms Nullable(Float64),
                                  metric_name String, metric_value Nullable(Float64), tags Tuple(service String))')
                           as said
                from scope where type in ('api_request', 'api_error') or kind = 'system_metric'))
        group by service, stretch
        having countIf(is_request or metric in ('cpu_usage', 'cpu', 'memory_usage', 'memory', 'active_connections')) > 0
        order by service, stretch
        limit {most:UInt32}
        """

    crowd: ClassVar[Crowd] = Crowd(
        """
        select service, fromUnixTimestamp64Milli(stretch * {stretch_ms:Int64}, 'UTC') as timestamp, person
        from (
            select intDiv(toUnixTimestamp64Milli(timestamp), {stretch_ms:Int64}) as stretch, person,
                   JSONExtract(measured, 'Tuple(service String, tags Tuple(service String))') as said,
                   multiIf(said.service != '', said.service, said.tags.service != '', said.tags.service, source)
                       as service
            from scope
            where (type in ('api_request', 'api_error') or kind = 'system_metric') and person != sipHash64(''))
        """,
        keys=("service", "timestamp"),
    )
    chart: ClassVar[Chart] = Line(x="timestamp", y="request_count", color="service", types={"timestamp": "temporal"})

    @property
    def stretch(self) -> timedelta:
        """How long a stretch is."""
        return timedelta(minutes=self.minutes)

    def scope(self, when: When) -> Scope:
        """The hours."""
        return Scope(when.tenant, when.now, when.now - timedelta(hours=self.hours) + MILLISECOND, when.zone)

    def bound(self, when: When) -> dict[str, Any]:
        """The length of a stretch."""
        return super().bound(when) | {"stretch_ms": self.stretch // MILLISECOND, "most": MOST_ROWS}

    def rows(self, found: Sequence[dict[str, Any]], when: When) -> list[Running]:
        """Row for row."""
        scope = self.scope(when)
        return [self._row(row, scope) for row in found]

    def _row(self, row: dict[str, Any], scope: Scope) -> Running:
        begin = EPOCH + row["stretch"] * self.stretch
        asked = min(begin + self.stretch, scope.until + MILLISECOND) - max(begin, scope.begin)
        p50, p95, p99 = (None if math.isnan(value) else value for value in row["latency"] or [math.nan] * 3)
        return Running(
            service=row["service"],
            timestamp=begin,
            request_count=row["requests"],
            error_count=row["errors"],
            error_rate=row["errors"] / row["requests"] if row["requests"] else 0.0,
            latency_p50=p50,
            latency_p95=p95,
            latency_p99=p99,
            throughput=row["requests"] / asked.total_seconds(),
            cpu_usage=row["cpu"],
            memory_usage=row["memory"],
            active_connections=None if row["connections"] is None else round(row["connections"]),
        )
