"""Event series: metrics that are counted from events: how many, of which type, and how many people."""

from collections.abc import Sequence
from typing import Any, ClassVar, Self

from pydantic import model_validator

from rollbook.analyses.chart import Chart, Line
from rollbook.analyses.metrics.bucketed import Bucketed, Point
from rollbook.analyses.metrics.calendar import moment_of
from rollbook.analyses.question import When
from rollbook.store import Scope

EVENTS, PEOPLE, OF_TYPE = "events", "active_users", "events."
TAGS = ("event_type", "source_service", "course_id", "channel")


def is_counted(name: str) -> bool:
    """Whether a metric of that name is counted from events."""
    return name in (EVENTS, PEOPLE) or name.startswith(OF_TYPE)


class EventSeries(Bucketed):
    """How many events and people were there in each minute, hour, day, week, month or quarter?

    Metrics are `events` (all), `events.` and a type (those of it), and `active_users` (distinct people with an event in
    the bucket). The tags of an event are `event_type`, `source_service`, `course_id` and `channel`. With `fill_missing`
    buckets without events are there too, with 0.
    """

    sql: ClassVar[str] = """
        with arrayFlatten(arrayMap(s -> range(s.1, s.2, s.3), {stretches:Array(Tuple(Int64, Int64, Int64))})) as edges
        select name, bucket, tags, sum(n) as events, uniqExactMerge(who) as people
        from (
            select roundDown(toUnixTimestamp64Milli(timestamp), edges) as bucket,
                if({typed:Bool}, toString(type), '') as kind,
                arrayMap(k -> multiIf(k = 'event_type', type, k = 'source_service', source, k = 'course_id', course,
                    channel), {group_by:Array(String)}) as tags,
                count() as n, uniqExactStateIf(person, {people:Bool} and person != sipHash64('')) as who
            from scope
            where ({all:Bool} or type in {types:Array(String)})
                and arrayAll((k, v) -> has(v, multiIf(k = 'event_type', toString(type), k = 'source_service',
                    toString(source), k = 'course_id', toString(course), toString(channel))),
                    {filter_names:Array(String)}, {filter_values:Array(Array(String))})
            group by bucket, kind, tags)
        array join arrayFilter(m -> m in ('events', 'active_users') or m = concat('events.', kind),
            {metric_names:Array(String)}) as name
        group by name, bucket, tags
        order by name, tags, bucket
        limit {most:UInt32}
        """
    chart: ClassVar[Chart] = Line(x="timestamp", y="value", color="metric_name", types={"timestamp": "temporal"})

    @model_validator(mode="after")
    def _known(self) -> Self:
        if wrong := [name for name in self.metric_names if not is_counted(name)]:
            raise ValueError(f"there are {EVENTS}, {OF_TYPE}<type> and {PEOPLE}, and no {', '.join(wrong)}")
        if wrong := [name for name in (*self.group_by, *self.filters) if name not in TAGS]:
            raise ValueError(f"events have the tags {', '.join(TAGS)}, and no {', '.join(wrong)}")
        return self

    def scope(self, when: When) -> Scope:
        """The range."""
        return self.between(when)

    def bound(self, when: When) -> dict[str, Any]:
        """Which types are read."""
        types = [name.removeprefix(OF_TYPE) for name in self.metric_names if name.startswith(OF_TYPE)]
        people = PEOPLE in self.metric_names
        return super().bound(when) | {
            "types": types,
            "typed": bool(types),
            "people": people,
            "all": people or EVENTS in self.metric_names,
        }

    def points(self, found: Sequence[dict[str, Any]], when: When) -> list[Point]:
        """The points of the buckets that have events."""
        return [
            Point(
                metric_name=row["name"],
                timestamp=moment_of(row["bucket"]),
                value=float(row["people"] if row["name"] == PEOPLE else row["events"]),
                tags=dict(zip(self.group_by, row["tags"], strict=True)),
                samples=row["events"],
            )
            for row in found
            if row["name"] != PEOPLE or row["people"]
        ]
