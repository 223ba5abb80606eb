"""Event days: the same metrics as in event series, for whole days and longer, from the rollups."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, ClassVar, Self
from zoneinfo import ZoneInfo

from pydantic import Field, model_validator

from rollbook.analyses.metrics.bucketed import Point
from rollbook.analyses.metrics.calendar import Granularity, milliseconds, stretches
from rollbook.analyses.metrics.event_series import EventSeries
from rollbook.analyses.question import When

TAGS = ("event_type", "course_id")
GRANULARITIES = ("day", "week", "month", "quarter")


class EventDays(EventSeries):
    """How many events and people were there in each day, week, month or quarter?

    The same as `event_series`, answered from rollups, and so faster over long ranges, and about days whose events have
    expired. The tags are `event_type` and `course_id`.
    """

    granularity: Granularity = Field("day", description="The buckets, on the clocks of the zone: days or longer.")

    sql: ClassVar[str] = """
        with arrayFlatten(arrayMap(s -> range(s.1, s.2, s.3), {stretches:Array(Tuple(Int64, Int64, Int64))})) as edges
        select name, bucket, tags, sum(n) as happened, uniqExactMerge(who) as people
        from (
            select roundDown(toInt64(toUInt16(day)), edges) as bucket, if({typed:Bool}, toString(type), '') as kind,
                arrayMap(k -> if(k = 'event_type', type, course), {group_by:Array(String)}) as tags,
                sum(events) as n, uniqExactStateIf(person, {people:Bool} and person != sipHash64('')) as who
            from activity_scope
            where ({all:Bool} or type in {types:Array(String)})
                and arrayAll((k, v) -> has(v, if(k = 'event_type', toString(type), toString(course))),
                    {filter_names:Array(String)}, {filter_values:Array(Array(String))})
            group by bucket, kind, tags)
        array join arrayFilter(m -> m in ('events', 'active_users') or m = concat('events.', kind),
            {metric_names:Array(String)}) as name
        group by name, bucket, tags
        having happened > 0
        order by name, tags, bucket
        limit {most:UInt32}
        """

    @model_validator(mode="after")
    def _of_days(self) -> Self:
        if self.granularity not in GRANULARITIES:
            raise ValueError(f"granularity must be one of {', '.join(GRANULARITIES)}; event_series has shorter ones")
        if wrong := [name for name in (*self.group_by, *self.filters) if name not in TAGS]:
            raise ValueError(f"days have the tags {', '.join(TAGS)}, and no {', '.join(wrong)}; event_series has")
        return self

    def bound(self, when: When) -> dict[str, Any]:
        """The buckets by the numbers of their first days."""
        numbers = sorted(self._days(when)) or [_number(self.range(when)[0], when)]
        return super().bound(when) | {"stretches": stretches(numbers)}

    def points(self, found: Sequence[dict[str, Any]], when: When) -> list[Point]:
        """The points of the buckets that have events."""
        edges = self._days(when)
        told = [row | {"events": row["happened"], "bucket": milliseconds(edges[row["bucket"]])} for row in found]
        return super().points(told, when)

    def _days(self, when: When) -> dict[int, datetime]:
        return {_number(edge, when): edge for edge in self.edges(when)}


def _number(moment: datetime, when: When) -> int:
    """How many days after 1970 began the calendar day of a moment is."""
    return moment.astimezone(ZoneInfo(when.zone)).date().toordinal() - date(1970, 1, 1).toordinal()
