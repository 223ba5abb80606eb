"""Time series, ranges and windows as document 5 names them."""

import math
import re
import statistics
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, Self, get_args
from zoneinfo import ZoneInfo

from pydantic import BaseModel, Field, model_validator

from rollbook.analyses.metrics.calendar import Granularity, buckets
from rollbook.analyses.question import Zone
from rollbook.errors import Invalid

Unit = Literal["seconds", "minutes", "hours", "days"]
How = Literal["mean", "sum", "min", "max", "first", "last", "count"]

SECONDS: dict[str, int] = {"seconds": 1, "minutes": 60, "hours": 3600, "days": 86_400}
LONGEST = 366

_FREQUENCY = re.compile(r"([1-9]\d{0,5})?\s*(seconds?|sec|s|minutes?|min|t|hours?|h|days?|d|weeks?|w)")
_UNITS = {"s": 1, "m": 60, "t": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400}
_HOW: dict[str, Callable[[Sequence[float]], float]] = {
    "mean": statistics.fmean,
    "sum": math.fsum,
    "min": min,
    "max": max,
    "first": lambda values: values[0],
    "last": lambda values: values[-1],
    "count": len,
}


class TimeRange(BaseModel):
    """From `start` to `end`, the end excluded; moments without an offset are on the clocks of `timezone`."""

    start: datetime
    end: datetime
    timezone: Zone = Field("UTC", description="Zone of calendar buckets, and of moments without an offset.")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        clock = ZoneInfo(self.timezone)
        try:
            self.start, self.end = _placed(self.start, clock), _placed(self.end, clock)
        except OverflowError:
            raise ValueError("start or end is no moment that the calendar knows") from None
        if self.end <= self.start:
            raise ValueError("End time must be after start time")
        return self


class TimeWindow(BaseModel):
    """`size` times a unit; `slide`, in the same unit, is how far a sliding window moves."""

    size: int = Field(ge=1, le=366 * 86_400)
    unit: Unit
    slide: int | None = Field(None, ge=1, le=366 * 86_400)

    @model_validator(mode="after")
    def _not_too_long(self) -> Self:
        if max(self.size, self.slide or 0) * SECONDS[self.unit] > LONGEST * SECONDS["days"]:
            raise ValueError(f"a window is at most {LONGEST} days long")
        return self

    def to_seconds(self) -> int:
        """How long it is; a day is always 24 hours."""
        return self.size * SECONDS[self.unit]

    def slide_seconds(self) -> int | None:
        """How far it moves; None: by itself."""
        return None if self.slide is None else self.slide * SECONDS[self.unit]


class TimeSeries(BaseModel):
    """Moments and values; `metadata` may name the `timezone` of its calendar."""

    name: str
    data_points: list[tuple[datetime, float]]
    metadata: dict[str, Any] = Field(default_factory=dict)

    def resample(self, frequency: str, how: How = "mean") -> "TimeSeries":
        """The series with one point for each stretch that has any: its beginning, and the values of it as one.

        `frequency`: `minute`, `hour`, `day`, `week`, `month` or `quarter` on the clocks of the zone that `metadata`
        names (default UTC); or a length, as `15min`, `6h`, `30 seconds`, counted from 1970-01-01T00:00Z. Moments
        without an offset are UTC. Raises Invalid for a frequency that is none.
        """
        if how not in get_args(How):
            raise Invalid(f"how must be one of {', '.join(get_args(How))}, not {how!r}")
        points = sorted(((_aware(moment), value) for moment, value in self.data_points), key=lambda point: point[0])
        begin_of = self._begin_of(frequency, points)
        found: dict[datetime, list[float]] = {}
        for moment, value in points:
            found.setdefault(begin_of(moment), []).append(value)
        return TimeSeries(
            name=self.name,
            data_points=[(begin, float(_HOW[how](values))) for begin, values in found.items()],
            metadata=self.metadata | {"frequency": frequency, "how": how},
        )

    def _begin_of(self, frequency: str, points: Sequence[tuple[datetime, float]]) -> Callable[[datetime], datetime]:
        zone = str(self.metadata.get("timezone", "UTC"))
        if frequency in get_args(Granularity):
            named: Granularity = frequency  # type: ignore[assignment]
            return lambda moment: buckets(moment, moment + timedelta(microseconds=1), named, zone)[0]
        seconds = seconds_of(frequency)
        start = datetime(1970, 1, 1, tzinfo=UTC)
        return lambda moment: moment - (moment - start) % timedelta(seconds=seconds)


def seconds_of(frequency: str) -> int:
    """A length in words: `15min`, `6h`, `30 seconds`. Raises Invalid."""
    match = _FREQUENCY.fullmatch(frequency.strip().lower())
    if match is None:
        names = ", ".join(get_args(Granularity))
        raise Invalid(f"frequency must be one of {names}, or a length like 15min, 6h or 7 days, not {frequency!r}")
    return int(match[1] or 1) * _UNITS[match[2][0]]


def _aware(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _placed(moment: datetime, clock: ZoneInfo) -> datetime:
    """The moment in UTC, to the millisecond."""
    placed = (moment.replace(tzinfo=clock) if moment.tzinfo is None else moment).astimezone(UTC)
    return placed.replace(microsecond=placed.microsecond // 1000 * 1000)
