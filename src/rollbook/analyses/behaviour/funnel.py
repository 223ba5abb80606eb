"""Funnel: how many people do some things one after the other, and how long they take."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from rollbook.analyses.chart import Bars, Chart
from rollbook.analyses.crowd import EVERYONE, Crowd
from rollbook.analyses.question import SEGMENT, Answer, Days, Question, When
from rollbook.analyses.retention import split
from rollbook.store import Scope
from rollbook.store.scope import MILLISECOND

MOST_STEPS = 20
MOST_VALUES = 20
# ranks of events in a millisecond: steps by their first place, then the excluded, then all others
EXCLUDED = 30
UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
LONGEST = timedelta(days=366)

EventType = Annotated[str, Field(min_length=1, max_length=1024)]
Steps = Annotated[tuple[EventType, ...], BeforeValidator(split), Field(min_length=2, max_length=MOST_STEPS)]
Excluded = Annotated[tuple[EventType, ...], BeforeValidator(split), Field(max_length=MOST_STEPS)]


def length_of(window: str) -> timedelta:
    """How long 90s, 30m, 24h, 7d or 2w are."""
    return timedelta(**{UNITS[window[-1]]: int(window[:-1])})


def in_reach(window: str) -> str:
    """The window, if it is not too long."""
    if length_of(window) > LONGEST:
        raise ValueError(f"at most {LONGEST.days} days")
    return window


Window = Annotated[str, Field(pattern=r"^[1-9]\d{0,5}[smhdw]$"), AfterValidator(in_reach)]


class FunnelStep(Answer):
    """One step, of one value of the breakdown."""

    value: str = Field(description="Of the breakdown, at the first step; empty: there is none.")
    step: int = Field(description="1 is the first.")
    event: str | None = Field(description="The step's type; null: in any order, so many of the steps.")
    entered: int = Field(description="People who did the first step (in any order: one of the steps).")
    people: int = Field(description="Those of them who got so far.")
    share: float | None = Field(description="People over entered; null: nobody entered.")
    median_seconds: float | None = Field(description="From the first step to this one; null: nobody, or withheld.")
    p90_seconds: float | None = Field(description="What nine of ten do not exceed.")


class Funnel(Question[FunnelStep]):
    """How many people do these things one after the other in the last days, and how long do they take?

    An attempt begins with an event of the first step and goes on with one of each next step, later, at most `window`
    after it began. Everyone counts once, with the attempt that gets furthest. `order` `strict`: nothing else, of
    whatever type, happens between its steps; `any`: it begins with any step, and counts how many different ones are
    done. What is in `exclude` ends an attempt. Events of one millisecond are taken in the order of the steps, then
    those excluded, then all others. The time to a step is that of the first attempt that got to it; of several that did
    so by the same event, of the one that began last.
    """

    steps: Steps = Field(description="Types of events, in their order: 2 to 20.")
    order: Literal["ordered", "strict", "any"] = Field("ordered", description="`ordered`, `strict` or `any`.")
    window: Window = Field("7d", description="The time to get through, from the first step: 30m, 24h, 7d, 2w.")
    exclude: Excluded = Field((), description="Types of events that end an attempt.")
    days: Days = Field(30, description="The last N x 24 hours.")
    breakdown: (
        Annotated[
            str,
            Field(pattern=rf"^(course|channel|source|property:.{{1,256}}|segment:{SEGMENT}(,{SEGMENT}){{0,19}})$"),
        ]
        | None
    ) = Field(
        None,
        description="By `course`, `channel`, `source` or `property:NAME` of the first step (the 20 values with most"
        " people), or for each of some segments, `segment:a,b`.",
    )

    sql: ClassVar[str] = """
        with arrayFill(x -> x != 0, arrayMap(c -> if(c % 32 = 30, c, toInt64(0)), codes)) as ended,
             arrayMap(c -> if(c % 32 = 0, c, toInt64(0)), codes) as firsts,
             if({order:String} = 'strict', firsts, arrayFill(x -> x != 0, firsts)) as begun,
             arrayFold((so_far, rank) -> (
                 arrayMap((c, begin, end) -> if(c % 32 = rank and begin > end
                         and intDiv(c, 32) - intDiv(begin, 32) <= {window_ms:Int64}, begin, toInt64(0)),
                     codes,
                     arrayPushFront(arrayPopBack(if({order:String} = 'strict', so_far.1,
                                                    arrayFill(x -> x != 0, so_far.1))), toInt64(0)),
                     ended) as got,
                 if(has(arrayMap(x -> x != 0, got), 1),
                    arrayPushBack(so_far.2, (intDiv(codes[arrayFirstIndex(x -> x != 0, got) as place], 32)
                                             - intDiv(got[place], 32), got[place])),
                    so_far.2)),
                 {ranks:Array(UInt8)}, (begun, [(toInt64(0), arrayFirst(x -> x != 0, begun))])).2 as in_order,
             arrayFold((so_far, rank) -> (
                 arrayMap((n, is_in) -> toUInt8(n + is_in), so_far.1,
                     arrayMap((c, last, end) -> last > end and intDiv(c, 32) - intDiv(last, 32) <= {window_ms:Int64},
                         codes, arrayFill(x -> x != 0, arrayMap(c -> if(c % 32 = rank, c, toInt64(0)), codes)) as lasts,
                         ended) as are_in),
                 arrayMap((low, last, is_in) -> if(is_in, least(low, last), low), so_far.2, lasts, are_in)),
                 range({most_steps:UInt8}),
                 (arrayMap(c -> toUInt8(0), codes), arrayMap(c -> toInt64(9223372036854775807), codes))) as counted,
             arrayMap(n -> (intDiv(codes[arrayFirstIndex(x -> x >= n, counted.1) as spot], 32)
                            - intDiv(counted.2[spot], 32), counted.2[spot]),
                 range(1, arrayMax(counted.1) + 1)) as in_any_order
        select *, max(people) over (partition by value) as entered
        from (
            select value, step, count() as people, quantilesExactInclusive(0.5, 0.9)(ms) as times_ms
            from (
                select arrayFirst(b -> b.1 = reached[-1].2, begins).2 as value,
                       arrayJoin(arrayEnumerate(reached)) as step, reached[step].1 as ms
                from (
                    select if({order:String} = 'any', in_any_order, in_order) as reached, begins
                    from (
                        select arraySort(groupArray(ms * 32 + rank)) as codes,
                               arraySort(groupArrayIf((ms * 32 + rank, value), {by:String} != '')) as begins
                        from (
                            select person, toUnixTimestamp64Milli(timestamp) as ms,
                                   transform(type, {types:Array(String)}, {type_ranks:Array(UInt8)}, 31) as rank,
                                   if({by:String} = 'course', toString(course), if({by:String} = 'channel',
                                   toString(channel), if({by:String} = 'source', toString(source),
                                   if({by:String} = 'property',
                                      if(JSONType(properties, {property:String}) = 'String',
                                         JSONExtractString(properties, {property:String}),
                                         JSONExtractRaw(properties, {property:String})), '')))) as value
                            from scope
                            where person != sipHash64('')
                              and ({order:String} = 'strict' or type in {types:Array(String)}))
                        group by person
                        having countIf(rank = 0) > 0 or ({order:String} = 'any' and countIf(rank < 30) > 0))))
            group by value, step)
        order by entered desc, value, step
        limit 400
        """
    crowd: ClassVar[Crowd] = Crowd(
        "select person from learner_days_scope",
        counts={"people": EVERYONE, "entered": EVERYONE},
        extremes=("median_seconds", "p90_seconds"),
        falling=("people",),
        along=("value",),
    )
    chart: ClassVar[Chart] = Bars(x="step", y="people", color="value", types={"step": "ordinal"})

    @model_validator(mode="after")
    def can_be_told_apart(self) -> Self:
        """A step is not excluded, and in any order each is another one."""
        if both := sorted(set(self.steps) & set(self.exclude)):
            raise ValueError(f"{both[0]!r} is a step and excluded; it can be one of them")
        if self.order == "any" and len(set(self.steps)) < len(self.steps):
            raise ValueError("in any order, each step is another type of event")
        return self

    @property
    def splits(self) -> bool:
        """Segments are asked about one by one; all else is known of the first step."""
        return self.breakdown is not None and not self.breakdown.startswith("segment:")

    def scope(self, when: When) -> Scope:
        """The period."""
        return when.last(self.days)

    def bound(self, when: When) -> dict[str, Any]:
        """Types with their ranks, the ranks of the steps after the first, and the breakdown."""
        places = {kind: self.steps.index(kind) for kind in self.steps} | dict.fromkeys(self.exclude, EXCLUDED)
        by, _, named = (self.breakdown or "").partition(":")
        return super().bound(when) | {
            "types": list(places),
            "type_ranks": list(places.values()),
            "ranks": [places[kind] for kind in self.steps[1:]],
            "most_steps": len(self.steps),
            "window_ms": length_of(self.window) // MILLISECOND,
            "by": by,
            "property": named,
        }

    def rows(self, found: Sequence[dict[str, Any]], when: When) -> list[FunnelStep]:
        """All steps of each value, those too that nobody got to."""
        values = list(dict.fromkeys(row["value"] for row in found))[:MOST_VALUES] if self.splits else [""]
        by_step = {(row["value"], row["step"]): row for row in found}
        return [self._step(value, step, by_step) for value in values for step in range(1, len(self.steps) + 1)]

    def _step(self, value: str, step: int, by_step: dict[tuple[str, int], dict[str, Any]]) -> FunnelStep:
        entered = by_step[value, 1]["people"] if (value, 1) in by_step else 0
        here = by_step.get((value, step), {"people": 0, "times_ms": (None, None)})
        median, p90 = (None if ms is None else ms / 1000 for ms in here["times_ms"])
        return FunnelStep(
            value=value,
            step=step,
            event=None if self.order == "any" else self.steps[step - 1],
            entered=entered,
            people=here["people"],
            share=here["people"] / entered if entered else None,
            median_seconds=median,
            p90_seconds=p90,
        )
