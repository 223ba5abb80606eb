"""Windows: any stream in windows of one length, one after the other (tumbling) or overlapping (sliding)."""

from typing import Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from rollbook.analyses.chart import Chart, Line
from rollbook.analyses.metrics.calendar import moment_of
from rollbook.analyses.metrics.stream import FIGURES, LONGEST_SECONDS, MOST_STARTS, READ, Stream
from rollbook.analyses.metrics.time_series import SECONDS
from rollbook.analyses.question import When
from rollbook.store import Scope

MOST_OVERLAPPING = 100


class Windows(Stream):
    """What happened in each window of a stream: tumbling (one after the other) or sliding (overlapping)?

    Windows are counted from 1970-01-01T00:00Z: `size` long, the next `slide` later (tumbling: `size` later). An event
    is in every window that begins at its timestamp or before, and ends after it. Each window says how many events it
    holds, and what became of the fields in `aggregations`; windows without events are not there. It is `final` when it
    has ended and `grace_period` has passed; events that came later are in it all the same, and `late` counts them.
    Windows that began within `retention` are there, the one that is open too.
    """

    window_type: Literal["tumbling", "sliding"] = Field("tumbling", description="How they follow each other.")
    slide: int | None = Field(
        None, ge=1, le=LONGEST_SECONDS, description="Sliding: how far the next one is, in `unit`s."
    )

    sql: ClassVar[str] = f"""
        select begin, begin + {{size:Int64}} as until, keys, {FIGURES},
            countIf(came > until + {{grace:Int64}}) as late
        from (
            select arrayJoin(arrayFilter(b -> b >= {{first:Int64}} and b + {{size:Int64}} > at,
                arrayMap(i -> intDiv(at, {{slide:Int64}}) * {{slide:Int64}} - i * {{slide:Int64}},
                    range({{overlap:UInt32}})))) as begin, keys, came, person, told
            from ({READ}))
        array join told as one
        where one.2 is not null
        group by begin, keys, field
        limit {{most:UInt32}}
        """
    chart: ClassVar[Chart] = Line(x="window_start", y="event_count", types={"window_start": "temporal"})

    @model_validator(mode="after")
    def _slides(self) -> Self:
        if self.window_type == "tumbling" and self.slide not in (None, self.size):
            raise ValueError("tumbling windows do not slide; take window_type=sliding")
        if self.window_type == "sliding" and self.slide is None:
            raise ValueError("sliding windows need slide: how far the next one is")
        if self.size > MOST_OVERLAPPING * (self.slide or self.size):
            raise ValueError(f"at most {MOST_OVERLAPPING} windows may overlap; make slide longer, or size shorter")
        if self.kept_seconds > MOST_STARTS * self.slide_seconds:
            raise ValueError(f"at most {MOST_STARTS} windows may begin within retention; make it shorter")
        return self

    @property
    def slide_seconds(self) -> int:
        """How far the next window is."""
        return (self.slide or self.size) * SECONDS[self.unit]

    def scope(self, when: When) -> Scope:
        """From the first window's beginning."""
        step = self.slide_seconds * 1000
        begin = -(-self.first(when) // step) * step
        return Scope(when.tenant, when.now, min(moment_of(begin), when.now), when.zone)

    def bound(self, when: When) -> dict[str, Any]:
        """How windows follow each other."""
        slide = self.slide_seconds
        return super().bound(when) | {"slide": slide * 1000, "overlap": -(-self.size_seconds // slide)}
