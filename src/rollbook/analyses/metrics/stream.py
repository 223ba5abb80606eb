"""Stream: which events a window's question reads, by what it groups them, and what it makes of their fields."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, ClassVar, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from rollbook.analyses.metrics.calendar import milliseconds, moment_of
from rollbook.analyses.metrics.parameters import Aggregation, Filters, Name, Names, Tags, bound_filters, kinds
from rollbook.analyses.metrics.time_series import SECONDS, Unit
from rollbook.analyses.question import Answer, Kind, Question, When
from rollbook.errors import Invalid
from rollbook.store import Scope

MOST_WINDOWS = 100_000
MOST_STARTS = 20_000
MOST_FIELDS = 10
LONGEST_SECONDS = 366 * 86_400
SHORTEST_RETENTION = 86_400

PEOPLE = "active_users"
RANKS = ("p50", "p95", "p99")

# what an event has under a name: a tag of its metric, a column, or a property as text
KEY = """multiIf(mapContains(metric_tags, k), metric_tags[k], k = 'event_type', toString(type),
                k = 'source_service', toString(source), k = 'user_id', user, k = 'course_id', toString(course),
                k = 'content_id', content, k = 'concept_id', concept, k = 'session_id', session,
                k = 'conversation_id', conversation, k = 'channel', toString(channel),
                k = 'metric_name', toString(metric),
                JSONType(properties, k) = 'String', JSONExtractString(properties, k),
                JSONType(properties, k) = 'Null', '', JSONExtractRaw(properties, k))"""
# the same for numbers; every event is 1 under ''
VALUE = """multiIf(f in ('', 'active_users'), 1., f = 'value', if(metric = '', null, metric_value),
                f = 'duration', duration, f = 'score', score,
                JSONType(properties, f) in ('Int64', 'UInt64', 'Double'), JSONExtractFloat(properties, f), null)"""
# the events of the stream
READ = f"""select toUnixTimestamp64Milli(timestamp) as at, toUnixTimestamp64Milli(received) as came, person,
                arrayMap(k -> {KEY}, {{group_by:Array(String)}}) as keys,
                arrayMap(f -> (f, {VALUE}), {{fields:Array(String)}}) as told
            from scope
            where (empty({{event_types:Array(String)}}) or type in {{event_types:Array(String)}})
                and (empty({{metric_names:Array(String)}}) or metric in {{metric_names:Array(String)}})
                and arrayAll((k, v) -> has(v, {KEY}), {{filter_names:Array(String)}},
                    {{filter_values:Array(Array(String))}})"""
# what becomes of the values of one field in one window
FIGURES = """one.1 as field, count() as n, sum(one.2) as total, total / n as mean, min(one.2) as least,
            max(one.2) as most,
            quantilesExactInclusiveIf(0.5, 0.95, 0.99)(assumeNotNull(one.2), one.1 in {ranked:Array(String)}) as ranks,
            uniqExactIf(person, one.1 = 'active_users' and person != sipHash64('')) as people, max(came) as updated"""


def only_counted(given: dict[str, Aggregation]) -> dict[str, Aggregation]:
    """The aggregations, if people are only counted in them."""
    if given.get(PEOPLE, "count") != "count":
        raise ValueError(f"{PEOPLE} can only be counted")
    return given


class Window(Answer):
    """One window of one key."""

    window_start: datetime
    window_end: datetime = Field(description="Not in the window.")
    tags: dict[str, str] = Field(description="What its events have in common, by the names in `group_by`.")
    event_count: int
    values: dict[str, float | None] = Field(description="By field: what its aggregation says; null: it has no values.")
    late: int = Field(description="Of its events, those that came after it was final.")
    last_updated: datetime = Field(description="When its last event came.")
    final: bool = Field(description="It has ended, and the grace period has passed.")


class Stream(Question[Window]):
    """What a subclass adds is the form of its windows, and the SQL."""

    kind: ClassVar[Kind] = "aggregation"

    size: int = Field(ge=1, le=LONGEST_SECONDS, description="Length of a window (of a session: its gap), in `unit`s.")
    unit: Unit = Field("seconds", description="What `size` is counted in; a day is 24 hours.")
    event_types: Names = Field((), description="Events of these types; default: all.")
    metric_names: Names = Field((), description="Samples of these metrics; default: all events.")
    group_by: Tags = Field(
        (), description="Windows for each of these: a tag, `event_type`, `user_id`, `course_id` …, or a property."
    )
    filters: Filters = Field(default_factory=dict, description="Only events with these: `channel=web,course_id=c1`.")
    aggregations: Annotated[
        dict[Name, Aggregation], BeforeValidator(kinds), AfterValidator(only_counted), Field(max_length=MOST_FIELDS)
    ] = Field(
        default_factory=dict,
        description="What becomes of which field: `value=avg,duration=p95`; fields are `value` (of samples), "
        "`duration`, `score`, `active_users` (only `count`), or a property with numbers.",
    )
    grace_period: int = Field(0, ge=0, le=LONGEST_SECONDS, description="Seconds after its end until it is final.")
    retention: int | None = Field(
        None, ge=1, le=LONGEST_SECONDS, description="Windows that began in the last so many seconds; default: a day."
    )

    @model_validator(mode="after")
    def _lasts(self) -> Self:
        if self.size_seconds > LONGEST_SECONDS:
            raise ValueError("a window is at most 366 days long")
        if self.retention is not None and self.retention < self.size_seconds + self.grace_period:
            raise ValueError("retention must be at least the window's size and its grace_period")
        return self

    @property
    def size_seconds(self) -> int:
        """The length of a window."""
        return self.size * SECONDS[self.unit]

    @property
    def kept_seconds(self) -> int:
        """How long windows are kept from their beginning."""
        return self.retention or max(SHORTEST_RETENTION, self.size_seconds + self.grace_period)

    def first(self, when: When) -> int:
        """The first moment, in milliseconds since 1970, at which a window may begin that is still kept."""
        return milliseconds(when.now) - self.kept_seconds * 1000

    def scope(self, when: When) -> Scope:
        """From the first window on."""
        return Scope(when.tenant, when.now, moment_of(self.first(when)), when.zone)

    def bound(self, when: When) -> dict[str, Any]:
        """The stream, its windows and fields."""
        more = {
            "size": self.size_seconds * 1000,
            "grace": self.grace_period * 1000,
            "first": self.first(when),
            "fields": ["", *self.aggregations],
            "ranked": [name for name, kind in self.aggregations.items() if kind in RANKS],
            "most": MOST_WINDOWS * (1 + len(self.aggregations)) + 1,
        }
        return super().bound(when) | bound_filters(self.filters) | more

    def rows(self, found: Sequence[dict[str, Any]], when: When) -> list[Window]:
        """One row for each window and key, in order of their beginnings. Raises Invalid for too many."""
        windows: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
        for row in found:
            windows.setdefault((row["begin"], tuple(row["keys"]), row["until"]), []).append(row)
        if len(windows) > MOST_WINDOWS:
            raise Invalid(f"more than {MOST_WINDOWS} windows; take longer ones, a shorter retention, or group by less")
        return [self._window(begin, keys, rows, when) for (begin, keys, _), rows in sorted(windows.items())]

    def _window(self, begin: int, keys: Iterable[str], rows: list[dict[str, Any]], when: When) -> Window:
        fields = {row["field"]: row for row in rows}
        every = fields[""]
        end = moment_of(every["until"])
        return Window(
            window_start=moment_of(begin),
            window_end=end,
            tags=dict(zip(self.group_by, keys, strict=True)),
            event_count=every["n"],
            values={name: _figure(fields.get(name), kind, name) for name, kind in self.aggregations.items()},
            late=every["late"],
            last_updated=moment_of(every["updated"]),
            final=end + timedelta(seconds=self.grace_period) <= when.now,
        )


def _figure(row: dict[str, Any] | None, kind: Aggregation, name: str) -> float | None:
    """What an aggregation makes of a field; without values, sums and counts are 0."""
    if row is None:
        return 0.0 if kind in ("sum", "count") else None
    if name == PEOPLE:
        return float(row["people"])
    if kind in RANKS:
        return float(row["ranks"][RANKS.index(kind)])
    column = {"sum": "total", "avg": "mean", "min": "least", "max": "most", "count": "n"}
    return float(row[column[kind]])
