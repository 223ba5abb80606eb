"""Experiment: what each variant did, against the control."""

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from rollbook.analyses.chart import Bars, Chart
from rollbook.analyses.crowd import Crowd
from rollbook.analyses.experiments.verdicts import Arm, Setup, Variant, compared
from rollbook.analyses.question import Days, Question, When
from rollbook.analyses.retention import split
from rollbook.store import Scope

Type = Annotated[str, Field(min_length=1, max_length=256)]
Types = Annotated[
    tuple[Type, ...], BeforeValidator(split, json_schema_input_type=str | list[str]), Field(max_length=10)
]


def parts(split_of: object) -> object:
    """`control=1,hints=2` as an object; anything else is left for the validation."""
    if not isinstance(split_of, str | list):
        return split_of
    texts = split_of.split(",") if isinstance(split_of, str) else split_of
    return {text.rpartition("=")[0].strip(): text.rpartition("=")[2] for text in texts if isinstance(text, str)}


Split = Annotated[
    dict[str, Annotated[float, Field(ge=0, le=1e6)]],
    BeforeValidator(parts, json_schema_input_type=str),
    Field(max_length=20),
]


class Experiment(Question[Variant]):
    """Do the variants of an experiment differ from the control, and may one believe it?

    A person (or, with `unit` course, a course) is in the variant of its first event `experiment_assigned` or
    `experiment_exposed` in the period, with the properties `experiment` and `variant`. Whoever was in several variants
    is left out and counted in `mixed`. What counts is what people do from that moment on, in the period. Of a course
    all who did anything in it in the period count. The tests and their sources: docs/guides/experiments.md.
    """

    experiment: Annotated[str, Field(min_length=1, max_length=256, description="Its name in the events.")]
    goal: Type = Field(description="Type of the event that counts as a conversion.")
    value: Annotated[str, Field(max_length=256)] = Field(
        "", description="`score`, `duration` or a property of goal events: compare its mean, not the conversions."
    )
    per: Literal["mean", "sum"] = Field(
        "mean", description="A person's value: the mean of those who have one, or the sum (0 without one)."
    )
    unit: Literal["user", "course"] = Field("user", description="What was assigned: people, or whole courses.")
    control: str | None = Field(None, description="The control; default: `control`, else the first by name.")
    split: Split | None = Field(None, description="Shares that were meant, as `control=1,hints=1`; default: equal.")
    must_not_rise: Types = Field((), description="Guard rails: event types that not more people may do.")
    must_not_fall: Types = Field((), description="Guard rails: event types that not fewer people may do.")
    days: Days = Field(30, description="The last N x 24 hours.")
    within_days: Annotated[int, Field(ge=0, le=3660)] = Field(
        0, description="Count only what is done so many x 24 hours from the first exposure on; 0: everything."
    )
    alpha: Annotated[float, Field(gt=0.0001, lt=0.5)] = Field(0.05, description="Intervals hold with 1 - alpha.")
    planned: Annotated[int, Field(ge=10, le=10**9)] = Field(
        1000, description="Units planned for two variants; the interval for peeking is narrowest there."
    )

    # what somebody did is a moment and a place among the types in one number: ClickHouse is slow at lists of tuples
    sql: ClassVar[str] = """
        with exposures as materialized (
            select if({unit:String} = 'course', sipHash64(course), person) as cluster, person, timestamp,
                   JSONExtractString(measured, 'variant') as variant
            from scope
            where type in ('experiment_assigned', 'experiment_exposed')
                  and if({unit:String} = 'course', course != '', person != sipHash64(''))
                  and JSONExtractString(measured, 'experiment') = {experiment:String})
        select variant, if({unit:String} = 'course', cluster, 0) as class, count() as people,
               countIf(converted) as conversions, count(y) as numbers, sum(y) as total, sum(y * y) as squares,
               sumForEach(guards) as guarded
        from (
            select if(length(variants) = 1, variants[1], '') as variant, cluster, tupleElement(member, 1) as person,
                   toUnixTimestamp64Milli(began) as from_ms,
                   if({within_days:UInt32} = 0, 9000000000000000,
                      toUnixTimestamp64Milli(began + toIntervalDay({within_days:UInt32}))) as to_ms,
                   tupleElement(member, 2) as told, tupleElement(member, 3) as values,
                   arrayMap(a -> intDiv(a, 32) >= from_ms and intDiv(a, 32) < to_ms, told) as counted,
                   arrayFilter((a, is_in) -> is_in, told, counted) as acts,
                   arrayExists(a -> a % 32 = 1, acts) as converted,
                   arrayFilter((n, a, is_in) -> is_in and a % 32 = 1 and not isNaN(n), values, told, counted)
                       as numbers,
                   multiIf({value:String} = '', toNullable(toFloat64(converted)),
                           {per:String} = 'sum', toNullable(arraySum(numbers)),
                           notEmpty(numbers), toNullable(arrayAvg(numbers)), null) as y,
                   arrayMap(n -> toUInt64(arrayExists(a -> a % 32 = n, acts)), {guards:Array(UInt32)}) as guards
            from (
                select cluster, groupUniqArrayArray(named) as variants, minIf(first, notEmpty(named)) as began,
                       groupArrayIf((person, acts, numbers), person != sipHash64('')) as members
                from (
                    select cluster, person, groupUniqArrayIf(variant, exposed) as named,
                           minIf(timestamp, exposed) as first,
                           groupArrayIf(toUnixTimestamp64Milli(timestamp) * 32 + what, what > 0) as acts,
                           groupArrayIf(ifNull(number, nan), what > 0) as numbers
                    from (
                        select cluster, person, timestamp, variant, variant != '' as exposed, 0 as what, null as number
                        from exposures
                        union all
                        select if({unit:String} = 'course', sipHash64(course), person) as cluster, person, timestamp,
                               '' as variant, 0 as exposed,
                               transform(type, {types:Array(String)}, {places:Array(UInt8)}, 0) as what,
                               if(what = 1, if({value:String} = 'score', score,
                                  if({value:String} = 'duration', duration, if({value:String} = '', null,
                                     JSONExtract(properties, {value:String}, 'Nullable(Float64)')))), null) as number
                        from scope
                        where type in {types:Array(String)} and cluster in (select cluster from exposures)
                        union all
                        select sipHash64(course) as cluster, person, toDateTime64(0, 3, 'UTC') as timestamp,
                               '' as variant, 0 as exposed, 0 as what, null as number
                        from activity_scope
                        where {unit:String} = 'course' and course != ''
                        group by course, person having sum(events) > 0)
                    group by cluster, person)
                group by cluster
                having notEmpty(variants))
            array join members as member)
        group by variant, class
        order by variant, class
        """

    crowd: ClassVar[Crowd] = Crowd(
        counts={
            "people": "",
            "conversions": "people",
            "control_people": "",
            "control_conversions": "control_people",
        },
        extremes=("guardrails", "mixed"),
    )
    chart: ClassVar[Chart] = Bars(x="variant", y="conversions")

    @model_validator(mode="after")
    def apart(self) -> Self:
        """Each type has one part to play."""
        named = self.types()
        if len(set(named)) < len(named):
            raise ValueError("goal and guard rails must be different event types")
        return self

    def types(self) -> list[str]:
        """The goal, then the guard rails."""
        return [self.goal, *self.must_not_rise, *self.must_not_fall]

    def scope(self, when: When) -> Scope:
        """The period."""
        return when.last(self.days)

    def bound(self, when: When) -> dict[str, Any]:
        """The types, and where the guard rails are among them."""
        types = self.types()
        places = list(range(1, len(types) + 1))
        return super().bound(when) | {"types": types, "places": places, "guards": places[1:]}

    def rows(self, found: Sequence[dict[str, Any]], when: When) -> list[Variant]:
        """The control first, then the others by name."""
        mixed = sum(row["people"] for row in found if not row["variant"])
        arms: dict[str, Arm] = {}
        for row in found:
            if row["variant"]:
                arms.setdefault(row["variant"], Arm(row["variant"])).add(row)
        if not arms:
            return []
        names = sorted(arms)
        control = self.control or ("control" if "control" in arms else names[0])
        setup = Setup(
            control=control,
            split=self.split or dict.fromkeys({*names, control}, 1.0),
            classes=self.unit == "course",
            by_value=bool(self.value),
            guards=[*((t, 1) for t in self.must_not_rise), *((t, -1) for t in self.must_not_fall)],
            alpha=self.alpha,
            planned=self.planned,
        )
        return compared(arms, setup, mixed)
