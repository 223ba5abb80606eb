"""Bucketed: the form of questions that answer points of a series, one for each bucket of the calendar."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar, Self

from pydantic import Field, model_validator

from rollbook.analyses.metrics.calendar import Granularity, buckets, milliseconds, stretches
from rollbook.analyses.metrics.parameters import Filters, Names, Tags, bound_filters
from rollbook.analyses.question import Answer, Kind, Moment, Question, When
from rollbook.errors import Invalid
from rollbook.store import Scope
from rollbook.store.scope import MILLISECOND

MOST_POINTS = 100_000
# a counter that was silent for longer is a new one
LOOKBACK = timedelta(days=1)
DEFAULT_RANGE = timedelta(days=1)
LONGEST_BUCKET_MS = 100 * 86_400_000


class Point(Answer):
    """One value of a series."""

    metric_name: str
    timestamp: datetime = Field(description="When the bucket begins, in UTC.")
    value: float | None = Field(description="Null: nothing was measured.")
    tags: dict[str, str] = Field(description="The tags of `group_by`; empty where there is none of that name.")
    samples: int = Field(description="How many samples (or events) it comes from.")


class Bucketed(Question[Point]):
    """What a subclass adds is the SQL, and how its rows become points."""

    kind: ClassVar[Kind] = "aggregation"

    metric_names: Names = Field(min_length=1, description="Of these metrics (comma-separated or a list).")
    start: Moment | None = Field(None, description="From this moment; default: a day before the end.")
    end: Moment | None = Field(None, description="Until this moment, which is not in it; default: now.")
    granularity: Granularity = Field("hour", description="The buckets, on the clocks of the zone.")
    group_by: Tags = Field((), description="A series for each combination of these tags.")
    filters: Filters = Field(
        default_factory=dict, description="Only samples with these tags: `host=a,host=b,region=eu`, or a JSON object."
    )
    fill_missing: bool = Field(True, description="Also the buckets without samples, as far as now.")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.start is not None and self.end is not None and self.end <= self.start:
            raise ValueError("end must be after start")
        return self

    def between(self, when: When, *, lookback: timedelta = timedelta()) -> Scope:
        """The range, as far as now."""
        begin, until = self.range(when)
        return Scope(when.tenant, max(until, begin) - MILLISECOND, begin - lookback, when.zone)

    def range(self, when: When) -> tuple[datetime, datetime]:
        """From when until when (excluded); the future is not in it."""
        now = when.now + MILLISECOND
        end = self.end or now
        return self.start or end - DEFAULT_RANGE, min(end, now)

    def edges(self, when: When) -> list[datetime]:
        """The beginnings of the buckets. Raises Invalid where there are too many."""
        begin, until = self.range(when)
        return buckets(begin, until, self.granularity, when.zone)

    def bound(self, when: When) -> dict[str, Any]:
        """The buckets, and one before them."""
        edges = [milliseconds(edge) for edge in self.edges(when)] or [milliseconds(self.range(when)[0])]
        before = milliseconds(self.range(when)[0] - LOOKBACK) - LONGEST_BUCKET_MS
        return (
            super().bound(when)
            | bound_filters(self.filters)
            | {"stretches": [(before, before + 1, 1), *stretches(edges)], "first_edge": edges[0]}
            | {"begin": self.range(when)[0], "most": MOST_POINTS + 1}
        )

    def empty(self) -> float | None:
        """What a bucket without samples has."""
        return 0.0

    def points(self, found: Sequence[dict[str, Any]], when: When) -> list[Point]:
        """The points of the buckets that have samples."""
        raise NotImplementedError

    def rows(self, found: Sequence[dict[str, Any]], when: When) -> list[Point]:
        """The points, in order of metric, tags and time; the missing ones filled in. Raises Invalid for too many."""
        if len(found) > MOST_POINTS:
            raise _too_many()
        points = self.points(found, when)
        if not self.fill_missing:
            return points
        edges = self.edges(when)
        series: dict[tuple[str, tuple[str, ...]], dict[datetime, Point]] = {}
        if not self.group_by:
            series = {(name, ()): {} for name in sorted(self.metric_names)}
        for point in points:
            series.setdefault((point.metric_name, tuple(point.tags.values())), {})[point.timestamp] = point
        if len(series) * len(edges) > MOST_POINTS:
            raise _too_many()
        return [
            there.get(edge) or self._missing(name, tags, edge)
            for (name, tags), there in sorted(series.items())
            for edge in edges
        ]

    def _missing(self, name: str, tags: tuple[str, ...], edge: datetime) -> Point:
        named = dict(zip(self.group_by, tags, strict=True))
        return Point(metric_name=name, timestamp=edge, value=self.empty(), tags=named, samples=0)


def _too_many() -> Invalid:
    return Invalid(
        f"more than {MOST_POINTS} points; take a shorter range, longer buckets, fewer tags, or fill_missing=false"
    )
