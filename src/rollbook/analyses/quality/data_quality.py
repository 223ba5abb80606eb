"""Data quality: how much of what came in is valid, complete, timely, unique and consistent?

The score is document 3's Data Quality Score (wanted: 95 or more).
"""

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field

from rollbook.analyses.chart import Chart, Line
from rollbook.analyses.crowd import Crowd
from rollbook.analyses.quality.scoring import DayQuality, scored
from rollbook.analyses.question import Question, When
from rollbook.analyses.retention import split
from rollbook.store import Scope

FieldName = Literal["user", "source", "session", "course", "content"]
FieldNames = Annotated[
    tuple[FieldName, ...], BeforeValidator(split, json_schema_input_type=str | list[FieldName]), Field(max_length=5)
]


class DataQuality(Question[DayQuality]):
    """How good is the data of each day and source, and what lowers it?

    Five shares from 0 to 100, and their mean (of those that are not null) as the score. *Validity*: of all events that
    came (accepted and refused), those that were accepted and do not break the tenant's definition. *Completeness*: of
    the values that events should have, those that are there: the `expected` fields of every event, the content of what
    starts or completes content, the score of a `quiz_completion`. *Timeliness*: of the events that were not imported,
    those received at most `late_after_seconds` after they happened. *Uniqueness*: of accepted events and duplicates,
    the accepted ones. *Consistency*: of accepted events, those without a contradiction: received more than a minute
    before they happened, a score outside of 0 to 100, a duration that is negative or longer than a day, a type that is
    spelled otherwise than usual (case, dashes, dots). A share of nothing is null. Events count on the day they
    happened, refused ones and duplicates on the day they came. The row whose source is null is the whole day; days
    without anything are left out. `lowered_by` holds at most 20 reasons, those with the most events first.
    """

    days: Annotated[int, Field(ge=1, le=366)] = Field(7, description="The last N calendar days.")
    source: Annotated[str, Field(max_length=1024)] | None = Field(None, description="Only this source; default: each.")
    expected: FieldNames = Field(("user",), description="What every event should have (comma-separated or a list).")
    late_after_seconds: Annotated[int, Field(ge=0, le=31_536_000)] = Field(
        3600, description="What is received later after it happened is late."
    )

    sql: ClassVar[str] = """
        select toDate(timestamp, {zone:String}) as day, toString(source) as source, toString(type) as type,
               '' as reason, count() as events, sum(invalid) as invalid,
               countIf(has({expected:Array(String)}, 'user') and person = sipHash64('')) as no_user,
               countIf(has({expected:Array(String)}, 'session') and session = '') as no_session,
               countIf(has({expected:Array(String)}, 'course') and course = '') as no_course,
               countIf((has({expected:Array(String)}, 'content') or type in {of_content:Array(String)})
                       and content = '') as no_content,
               countIf(type = 'quiz_completion' and score is null) as no_score,
               toUInt8(has({of_content:Array(String)}, type)) as of_content,
               countIf(not startsWith(dialect, 'import')) as sent,
               countIf(not startsWith(dialect, 'import') and dateDiff('millisecond', timestamp, received)
                       > 1000 * toInt64({late_after_seconds:UInt32})) as late,
               countIf(timestamp > received + interval 1 minute) as clock_ahead,
               countIf(score < 0 or score > 100 or isNaN(score)) as score_outside,
               countIf(duration < 0 or duration > 86400 or isNaN(duration)) as duration_outside,
               countIf(timestamp > received + interval 1 minute
                       or ifNull(score < 0 or score > 100 or isNaN(score), 0)
                       or ifNull(duration < 0 or duration > 86400 or isNaN(duration), 0)) as contradictory
        from scope
        where {every:UInt8} or source = {source:String}
        group by day, source, type
        union all
        select toDate(quarter, {zone:String}) as day, toString(source) as source, '' as type,
               toString(reason) as reason, sum(events) as events, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0
        from not_taken_scope
        where {every:UInt8} or source = {source:String}
        group by day, source, reason
        """
    crowd: ClassVar[Crowd] = Crowd(
        """
        select toDate(timestamp, {zone:String}) as day, arrayJoin([toNullable(toString(source)), null]) as source,
               person
        from scope where person != sipHash64('') and ({every:UInt8} or source = {source:String})
        """,
        keys=("day", "source"),
        extremes=("lowered_by",),
    )
    chart: ClassVar[Chart] = Line(x="day", y="score", color="source", types={"day": "temporal"})

    def scope(self, when: When) -> Scope:
        """Whole days, today as far as it has come."""
        return when.calendar_days(self.days)

    def bound(self, when: When) -> dict[str, Any]:
        """The types that are about content."""
        more = {"every": int(self.source is None), "source": self.source or "", "of_content": sorted(OF_CONTENT)}
        return super().bound(when) | more

    def rows(self, found: Sequence[dict[str, Any]], when: When) -> list[DayQuality]:
        """Day by day, the whole day first, then its sources."""
        return scored(found, self.expected)


OF_CONTENT = frozenset(
    {
        *("content_view", "content_start", "material_view", "video_play"),
        *("content_completion", "completion", "material_complete"),
    }
)
