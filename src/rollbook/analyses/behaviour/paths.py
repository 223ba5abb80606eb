"""Paths: what do people do next, or before?"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from rollbook.analyses.behaviour.funnel import EventType, Window, length_of
from rollbook.analyses.chart import Bars, Chart
from rollbook.analyses.crowd import EVERYONE, Crowd
from rollbook.analyses.question import Answer, Days, Question, When
from rollbook.store import Scope
from rollbook.store.scope import MILLISECOND

OTHER, END = "(other)", "(end)"


class PathStep(Answer):
    """People who went from one thing to another at one step of their paths."""

    step: int = Field(description="1 is next to the event asked about.")
    source: str = Field(description="What they did at the step before; at the first the event asked about.")
    target: str = Field(description="What they did then; `(other)`: less frequent types; `(end)`: nothing.")
    people: int
    source_people: int = Field(description="People at the source.")
    share: float = Field(description="People over those at the source.")


class Paths(Question[PathStep]):
    """What did people do next after their first event of a type in the last days, or just before it?

    Everyone has one path: from their first event of the type in the period, the `depth` events that follow (or precede
    it, the nearest first) within `window` of it, of any type. A run of events of the same type is one step unless
    `repeats` is on. Events of one millisecond are taken in the order of their types' names. At each step the `most`
    types of most people keep their names (of as many people the first by name); all others are `(other)`.
    """

    event: EventType = Field(description="The type of event that paths begin at.")
    direction: Literal["after", "before"] = Field("after", description="`after` it or `before` it.")
    depth: Annotated[int, Field(ge=1, le=10, description="Steps of a path.")] = 3
    most: Annotated[int, Field(ge=1, le=50, description="Types that keep their names at each step.")] = 8
    window: Window = Field("1d", description="How far from the event a path reaches: 30m, 24h, 7d.")
    repeats: bool = Field(False, description="Count every event of a run of the same type.")
    days: Days = Field(30, description="The last N x 24 hours.")

    sql: ClassVar[str] = """
        with (select arrayPushFront(arraySort(groupUniqArray(type)), '') from activity_scope) as names,
             indexOf(names, {event:String}) as anchor
        select step, names[path[step]] as source, if(step = length(path), '', names[path[step + 1]]) as target,
               step = length(path) as ends, count() as people
        from (
            select path, arrayJoin(range(1, least(length(path), {depth:UInt8}) + 1)) as step
            from (
                select arraySlice(if({repeats:Bool}, types, arrayCompact(types)), 1, {depth:UInt8} + 1) as path
                from (
                    select arrayMap(code -> toUInt16(code % 65536), arrayFilter(
                               code -> abs(intDiv(code, 65536) - intDiv(codes[place], 65536)) <= {window_ms:Int64},
                               if({direction:String} = 'after', arraySlice(codes, place),
                                  arrayReverse(arraySlice(codes, 1, place))))) as types
                    from (
                        select arraySort(groupArray(code)) as codes,
                               arrayFirstIndex(code -> code % 65536 = anchor, codes) as place
                        from (
                            select person, toUnixTimestamp64Milli(timestamp) * 65536
                                           + transform(type, names, range(1, length(names) + 1), 0) as code
                            from scope
                            where person != sipHash64(''))
                        group by person
                        having place > 0))))
        group by step, source, target, ends
        """
    crowd: ClassVar[Crowd] = Crowd(
        "select person from learner_days_scope",
        counts={"people": "source_people", "source_people": EVERYONE},
        partitions=(("step", "source"), ("step", "target")),
    )
    chart: ClassVar[Chart] = Bars(x="step", y="people", color="target", types={"step": "ordinal"})

    def scope(self, when: When) -> Scope:
        """The period."""
        return when.last(self.days)

    def bound(self, when: When) -> dict[str, Any]:
        """How far a path reaches."""
        return super().bound(when) | {"window_ms": length_of(self.window) // MILLISECOND}

    def rows(self, found: Sequence[dict[str, Any]], when: When) -> list[PathStep]:
        """By step; the widest first, `(other)` and `(end)` after all others."""
        named = self._named(found)
        people: Counter[tuple[int, str, str]] = Counter()
        for row in found:
            step, source, target = row["step"], row["source"], row["target"]
            source = source if step == 1 or source in named[step - 1] else OTHER
            target = END if row["ends"] else target if target in named[step] else OTHER
            people[step, source, target] += row["people"]
        sources: Counter[tuple[int, str]] = Counter()
        for (step, source, _), count in people.items():
            sources[step, source] += count
        rows = [
            PathStep(
                step=step,
                source=source,
                target=target,
                people=count,
                source_people=sources[step, source],
                share=count / sources[step, source],
            )
            for (step, source, target), count in people.items()
        ]
        return sorted(rows, key=lambda row: (row.step, row.target in (OTHER, END), -row.people, row.source, row.target))

    def _named(self, found: Sequence[dict[str, Any]]) -> dict[int, set[str]]:
        """The types of each step that keep their names."""
        people: dict[int, Counter[str]] = defaultdict(Counter)
        for row in found:
            if not row["ends"]:
                people[row["step"]][row["target"]] += row["people"]
        most = {step: sorted(types, key=lambda name: (-types[name], name)) for step, types in people.items()}
        return defaultdict(set, {step: set(names[: self.most]) for step, names in most.items()})
