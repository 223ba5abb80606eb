"""System metrics: document 2's figures of the API that sends the events, and its table of them by the hour."""

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, Field

from rollbook.analyses.chart import Chart, Line
from rollbook.analyses.crowd import Crowd
from rollbook.analyses.question import Answer, Question, When
from rollbook.store import Scope
from rollbook.store.scope import MILLISECOND

HOUR = timedelta(hours=1)
MOST_HOURS = 24 * 31
MOST_ENDPOINTS = 100


class EndpointUse(BaseModel):
    """How one endpoint was used."""

    endpoint: str
    requests: int
    errors: int
    error_rate: float | None = Field(description="Errors over requests, at most 1.")
    p95_ms: float | None


class SystemInPeriod(Answer):
    """The API in the whole period, or in one hour of it."""

    hour: datetime | None = Field(description="When the hour began, in UTC; null: the whole period.")
    total_requests: int = Field(description="`api_request` events.")
    total_errors: int = Field(description="`api_error` events, or requests with a status from 500, whichever are more.")
    error_rate: float | None = Field(description="Errors over requests, at most 1; null where there are neither.")
    error_types: dict[str, int] | None = Field(description="`api_error` events by `error_type`, the 100 most frequent.")
    average_ms: float | None
    p50_ms: float | None = Field(description="Median of `latency_ms`.")
    p95_ms: float | None
    p99_ms: float | None
    top_endpoints: list[EndpointUse] | None = Field(description="By requests, the most used first.")
    active_users: int = Field(description="Distinct people with an event of any type.")


class SystemMetrics(Question[SystemInPeriod]):
    """How does the API do that sends the events: latency, errors, endpoints, active users?

    Latencies are the `latency_ms` of `api_request`, numbers from 0; percentiles are exact, with interpolation between
    neighbours. An endpoint is the property `endpoint`, else `path`, else `unknown`; its method stands before it. An
    error's type is `error_type`, else `status_code`, else `unknown`. `by=hour` is document 2's table `system_metrics`:
    a row for each hour with an event, the newest first.
    """

    hours: Annotated[int, Field(ge=1, le=MOST_HOURS, description="The last N hours.")] = 24
    by: Annotated[Literal["all", "hour"], Field(description="`all`: one row; `hour`: one for each hour.")] = "all"
    top: Annotated[int, Field(ge=1, le=MOST_ENDPOINTS, description="Most endpoints of a row.")] = 10

    sql: ClassVar[str] = """
        select hour, countIf(request) as total_requests,
               greatest(countIf(broken), countIf(request and status >= 500)) as total_errors,
               quantilesExactInclusiveIf(0.5, 0.95, 0.99)(latency, timed) as quantiles,
               avgOrNullIf(latency, timed) as average_ms,
               uniqExactIf(person, person != sipHash64('')) as active_users,
               sumMapIf(map(endpoint, toUInt64(1)), request) as used,
               sumMapIf(map(endpoint, toUInt64(1)), request and status >= 500) as failed,
               sumMapIf(map(endpoint, toUInt64(1)), broken) as reported,
               quantileExactInclusiveMapIf(0.95)(map(endpoint, latency), timed) as slow,
               arrayMap(one -> (one.2, one.1, greatest(failed[one.2], reported[one.2]),
                                if(mapContains(slow, one.2), slow[one.2], nan)),
                        arraySlice(arraySort(one -> (-one.1, one.2), arrayZip(mapValues(used), mapKeys(used))),
                                   1, {top:UInt32})) as endpoints,
               sumMapIf(map(error, toUInt64(1)), broken) as kinds,
               arraySlice(arraySort(one -> (-one.1, one.2), arrayZip(mapValues(kinds), mapKeys(kinds))), 1, 100)
                   as errors
        from (
            select person, if({by:String} = 'hour', toStartOfHour(timestamp), toDateTime(0, 'UTC')) as hour,
                   type = 'api_request' as request, type = 'api_error' as broken,
                   if(request, ifNull(JSONExtract(properties, 'latency_ms', 'Nullable(Float64)'), nan), nan) as latency,
                   isFinite(latency) and latency >= 0 as timed,
                   if(request, JSONExtractInt(properties, 'status_code'), 0) as status,
                   if(request or broken, JSONExtractString(properties, 'endpoint'), '') as named,
                   if((request or broken) and named = '', JSONExtractString(properties, 'path'), named) as at,
                   if(request or broken, upper(JSONExtractString(properties, 'method')), '') as method,
                   leftUTF8(trim(concat(method, ' ', if(at = '', 'unknown', at))), 300) as endpoint,
                   if(broken, JSONExtractString(properties, 'error_type'), '') as kind,
                   if(broken and kind = '', JSONExtractString(properties, 'status_code'), kind) as error_or_status,
                   leftUTF8(if(error_or_status = '', 'unknown', error_or_status), 300) as error
            from scope)
        group by hour
        order by hour desc
        """
    crowd: ClassVar[Crowd] = Crowd(
        "select if({by:String} = 'hour', toStartOfHour(timestamp), null) as hour, person from scope"
        " where person != sipHash64('')",
        keys=("hour",),
        counts={"active_users": ""},
        figures=("total_requests", "total_errors"),
        extremes=("p99_ms", "top_endpoints", "error_types"),
    )
    chart: ClassVar[Chart] = Line(x="hour", y="p95_ms", types={"hour": "temporal"})

    def scope(self, when: When) -> Scope:
        """The hours."""
        return replace(when.ever(), begin=when.now - self.hours * HOUR + MILLISECOND)

    def rows(self, found: Sequence[dict[str, Any]], when: When) -> list[SystemInPeriod]:
        """Row for row; of the whole period always one."""
        rows = [self._row(row) for row in found]
        return rows if rows or self.by == "hour" else [NOTHING]

    def _row(self, row: dict[str, Any]) -> SystemInPeriod:
        requests, errors = row["total_requests"], row["total_errors"]
        p50, p95, p99 = map(known, row["quantiles"])
        return SystemInPeriod(
            hour=row["hour"] if self.by == "hour" else None,
            total_requests=requests,
            total_errors=errors,
            error_rate=rate(errors, requests),
            error_types={kind: count for count, kind in row["errors"]},
            average_ms=row["average_ms"],
            p50_ms=p50,
            p95_ms=p95,
            p99_ms=p99,
            top_endpoints=[
                EndpointUse(
                    endpoint=name, requests=used, errors=wrong, error_rate=rate(wrong, used), p95_ms=known(slow)
                )
                for name, used, wrong, slow in row["endpoints"]
            ],
            active_users=row["active_users"],
        )


def known(figure: float) -> float | None:
    """The figure; None where nothing was measured."""
    return figure if math.isfinite(figure) else None


def rate(errors: int, requests: int) -> float | None:
    """Errors over requests, at most 1; None where there are neither."""
    return min(1.0, errors / requests) if requests else 1.0 if errors else None


NOTHING = SystemInPeriod(
    hour=None,
    total_requests=0,
    total_errors=0,
    error_rate=None,
    error_types={},
    average_ms=None,
    p50_ms=None,
    p95_ms=None,
    p99_ms=None,
    top_endpoints=[],
    active_users=0,
)
