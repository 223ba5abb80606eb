"""Course comparison: how do courses differ in who is in them, how active they are and how many complete?"""

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar

from pydantic import Field

from rollbook.analyses.chart import Bars, Chart
from rollbook.analyses.courses.ended import OfEnrolled
from rollbook.analyses.crowd import Crowd
from rollbook.analyses.question import Answer, When
from rollbook.store.scope import DAY

AbsentDays = Annotated[int, Field(ge=1, le=365)]


class CourseInComparison(Answer):
    """One course, by its name."""

    course: str
    learners: int = Field(description="Everyone who ever did anything in it, or was enrolled.")
    active: int | None = Field(description="Of them, active in the days asked about; null: withheld.")
    enrolled: int | None = Field(description="Enrolled now, by enrolment events; null: withheld.")
    withdrawn: int | None = Field(description="Withdrawn, and not enrolled again; null: withheld.")
    completed: int | None = Field(description="Who completed it; null: withheld.")
    completion_rate: float | None = Field(description="Completed over learners.")
    at_risk: int | None = Field(description="Absent, neither completed nor withdrawn; null: withheld.")
    events: int = Field(description="What learners did in the days asked about.")
    hours: float = Field(description="Sum of durations in the days asked about.")


class CourseComparison(OfEnrolled[CourseInComparison]):
    """How do courses compare: learners, activity, enrolment, completion, risk?

    Enrolled: the last enrolment is on a later day than the last withdrawal. At risk is the rule of `at_risk`: no
    activity on the last `absent_days` calendar days, not completed, not withdrawn, membership not ended. Enrolment and
    withdrawal are no activity. Events without a user are nobody's and do not count.
    """

    days: Annotated[int, Field(ge=1, le=366, description="Calendar days of activity, today included.")] = 30
    absent_days: AbsentDays = Field(7, description="Calendar days without activity, today included.")

    # by one number, since ClickHouse takes twice as long to group by a text and a number
    sql: ClassVar[str] = """
        select of as course, count() as learners, countIf(visited >= {first_day:Date}) as active,
               countIf(joined > left) as enrolled, countIf(gone) as withdrawn, countIf(done) as completed,
               countIf(greatest(visited, joined) <= {absent_since:Date} and not done and not gone
                       and (of, who) not in (select one.1, sipHash64(one.2) from (select arrayJoin(arrayZip(
                           {ended_courses:Array(String)}, {ended_users:Array(String)})) as one))) as at_risk,
               sum(n) as events, sum(s) / 3600 as hours
        from (
            select any(course) as of, any(person) as who,
                   maxIf(day, type not in {administrative:Array(String)}) as visited,
                   maxIf(day, type in {enrolments:Array(String)}) as joined,
                   maxIf(day, type in {withdrawals:Array(String)}) as left,
                   left > toDate(0) and left >= joined as gone,
                   max(type in {course_completions:Array(String)}) as done,
                   sumIf(events, day >= {first_day:Date} and type not in {administrative:Array(String)}) as n,
                   sumIf(seconds, day >= {first_day:Date} and type not in {administrative:Array(String)}) as s
            from activity_scope
            where course != '' and person != sipHash64('') and events > 0
            group by cityHash64(course, person))
        group by of
        order by learners desc, course
        """
    crowd: ClassVar[Crowd] = Crowd(
        "select course, person from activity_scope where course != '' and person != sipHash64('')",
        keys=("course",),
        counts=dict.fromkeys(("active", "enrolled", "withdrawn", "completed", "at_risk"), "learners"),
        rates={"completion_rate": ("completed", "learners")},
        optional=("active", "enrolled", "withdrawn", "completed", "at_risk"),
    )
    chart: ClassVar[Chart] = Bars(x="course", y="learners")

    def bound(self, when: When) -> dict[str, Any]:
        """The days that count."""
        absent_since = when.today - self.absent_days * DAY
        return super().bound(when) | {"first_day": when.today - (self.days - 1) * DAY, "absent_since": absent_since}

    def rows(self, found: Sequence[dict[str, Any]], when: When) -> list[CourseInComparison]:
        """With the rate."""
        return [CourseInComparison(**row, completion_rate=row["completed"] / row["learners"]) for row in found]
