"""Metric query: document 5's `MetricQuery`, and the `MetricResult` that answers it."""

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import BaseModel, Field

from rollbook.analyses.ask import Answered, ask
from rollbook.analyses.metrics import event_days
from rollbook.analyses.metrics.bucketed import MOST_POINTS, Bucketed, Point
from rollbook.analyses.metrics.calendar import Granularity
from rollbook.analyses.metrics.event_days import EventDays
from rollbook.analyses.metrics.event_series import EventSeries, is_counted
from rollbook.analyses.metrics.metric_series import MetricSeries
from rollbook.analyses.metrics.parameters import Aggregation, Filters, Names, Tags
from rollbook.analyses.metrics.time_series import TimeRange
from rollbook.errors import Invalid
from rollbook.governance.grants import Grant
from rollbook.store import Store


class MetricQuery(BaseModel):
    """Which metrics, of when, and how they are summed up."""

    metric_names: Annotated[Names, Field(min_length=1)] = Field(
        description="Names of samples; or `events`, `events.<type>`, `active_users`, which are counted from events."
    )
    time_range: TimeRange
    aggregation: Aggregation = Field(description="Of the samples in a bucket; the sum of a counter is its increase.")
    group_by: Tags = Field((), description="Tags; a series for each combination.")
    filters: Filters = Field(
        default_factory=dict, description="By tag: a value, or a list of values; null: it has no such tag."
    )
    granularity: Granularity = Field("hour", description="Buckets on the clocks of the range's zone.")
    fill_missing: bool = Field(True, description="Buckets without samples, too: sums and counts 0, all else null.")


class MetricDataPoint(BaseModel):
    """A value of a series."""

    timestamp: datetime = Field(description="When the bucket begins, with the offset of the range's zone.")
    value: float | None = Field(description="Null: nothing was measured in the bucket.")
    tags: dict[str, str] = Field(description="The `metric_name`, and the tags of `group_by`.")
    confidence: float | None = Field(None, description="Null: values are exact.")


class MetricResult(BaseModel):
    """The answer to a query."""

    query: MetricQuery
    data: list[MetricDataPoint] = Field(description="In order of metric, tags and time.")
    metadata: dict[str, Any] = Field(
        description="`samples`: how many by metric; `unknown`: metrics without a sample in the range; `as_of`; "
        "`raw_since`: from when on all events are there, where older ones have expired."
    )
    execution_time_ms: int


def answer(store: Store, query: MetricQuery, grant: Grant | str, as_of: datetime | None = None) -> MetricResult:
    """Answer a query; it holds every sample and event acknowledged before. Raises as `ask`, and Invalid."""
    began = time.perf_counter()
    answers = [ask(store, question, grant) for question in questions(query, as_of)]
    points = sorted((p for one in answers for p in one.rows), key=lambda p: (p.metric_name, list(p.tags.values())))
    if len(points) > MOST_POINTS:
        raise Invalid(f"more than {MOST_POINTS} points; ask for fewer metrics at once, or longer buckets")
    clock = ZoneInfo(query.time_range.timezone)
    return MetricResult(
        query=query,
        data=[
            MetricDataPoint(
                timestamp=point.timestamp.astimezone(clock),
                value=point.value,
                tags=point.tags | {"metric_name": point.metric_name},
            )
            for point in points
        ],
        metadata=_told(query, answers, points),
        execution_time_ms=round((time.perf_counter() - began) * 1000),
    )


def questions(query: MetricQuery, as_of: datetime | None = None) -> list[Bucketed]:
    """The questions that answer a query: one for its samples, one for what is counted from events."""
    parts: Mapping[bool, tuple[str, ...]] = {
        counted: tuple(name for name in query.metric_names if is_counted(name) == counted) for counted in (False, True)
    }
    given: dict[str, Any] = {
        "start": query.time_range.start,
        "end": query.time_range.end,
        "timezone": query.time_range.timezone,
        # nothing after its end is asked about: as of then, the answer may be kept
        "as_of": as_of or (query.time_range.end if query.time_range.end < datetime.now(UTC) else None),
        "group_by": query.group_by,
        "filters": query.filters,
        "granularity": query.granularity,
        "fill_missing": query.fill_missing,
    }
    found: list[Bucketed] = []
    try:
        if parts[False]:
            found.append(MetricSeries(metric_names=parts[False], aggregation=query.aggregation, **given))
        if parts[True]:
            tags = {*query.group_by, *query.filters}
            whole = query.granularity in event_days.GRANULARITIES and tags <= {*event_days.TAGS}
            found.append((EventDays if whole else EventSeries)(metric_names=parts[True], **given))
    except ValueError as error:
        raise Invalid(str(error)) from error
    return found


def _told(query: MetricQuery, answers: list[Answered[Point]], points: list[Point]) -> dict[str, Any]:
    samples = dict.fromkeys(query.metric_names, 0)
    for point in points:
        samples[point.metric_name] += point.samples
    since = [one.raw_since for one in answers if one.raw_since is not None]
    return {
        "samples": samples,
        "unknown": [name for name, n in samples.items() if not n],
        "as_of": answers[0].as_of.isoformat(),
        "raw_since": max(since).isoformat() if since else None,
    }
