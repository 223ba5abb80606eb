"""At risk: who has stayed away from a course for a week?"""

from collections.abc import Sequence
from datetime import date
from typing import Any, ClassVar

from pydantic import Field

from rollbook.analyses.courses.course_comparison import AbsentDays
from rollbook.analyses.courses.ended import OfEnrolled
from rollbook.analyses.question import Answer, When
from rollbook.governance.consent import Purpose
from rollbook.store.scope import DAY


class LearnerAtRisk(Answer):
    """One learner in one course."""

    user_id: str
    course_id: str
    last_active: date | None = Field(description="Calendar day of the last activity; null: enrolled, but never came.")
    enrolled: date | None = Field(description="Calendar day of the last enrolment; null: not known.")
    days_away: int = Field(description="Calendar days since then.")
    reason: str = Field(description="Why, in words.")


class AtRisk(OfEnrolled[LearnerAtRisk]):
    """Who is at risk of dropping out of a course, by the rule of 7 days' absence?

    At risk is who did nothing in the course on the last `absent_days` calendar days, today included; or enrolled that
    long ago and never came. Not at risk is who has completed the course, has withdrawn from it (the last withdrawal is
    on the day of the last enrolment or later), or whose membership as a learner has ended in the roster. Enrolment and
    withdrawal are no activity of the learner's. The longest absent first. The rule says nothing of why; it is the
    baseline that predictions have to beat.
    """

    absent_days: AbsentDays = Field(7, description="Calendar days without activity, today included.")
    limit: int = Field(1000, ge=1, le=100_000, description="Most rows.")

    purpose: ClassVar[Purpose] = "prediction"

    # who came lately is left out first: there is less to read and to group then. By one number, since ClickHouse takes
    # twice as long to group by a text and a number.
    sql: ClassVar[str] = """
        select any(user) as user_id, any(course) as course_id,
               maxIf(day, type not in {administrative:Array(String)}) as visited,
               maxIf(day, type in {enrolments:Array(String)}) as joined,
               maxIf(day, type in {withdrawals:Array(String)}) as left
        from activity_scope
        where course != '' and person != sipHash64('') and events > 0 and cityHash64(course, person) not in (
            select cityHash64(course, person) from activity_scope
            where day > {absent_since:Date} and events > 0
              and (type not in {administrative:Array(String)} or type in {enrolments:Array(String)}))
        group by cityHash64(course, person)
        having greatest(visited, joined) > toDate(0)
           and not (left > toDate(0) and left >= joined)
           and max(type in {course_completions:Array(String)}) = 0
           and (course_id, sipHash64(user_id)) not in (select one.1, sipHash64(one.2) from (select arrayJoin(arrayZip(
               {ended_courses:Array(String)}, {ended_users:Array(String)})) as one))
        order by greatest(visited, joined), course_id, user_id
        limit {limit:UInt32}
        """

    def bound(self, when: When) -> dict[str, Any]:
        """The last day that is long enough ago."""
        return super().bound(when) | {"absent_since": when.today - self.absent_days * DAY}

    def rows(self, found: Sequence[dict[str, Any]], when: When) -> list[LearnerAtRisk]:
        """With the reason."""
        return [_at_risk(row, when.today) for row in found]


def _at_risk(row: dict[str, Any], today: date) -> LearnerAtRisk:
    never = date(1970, 1, 1)
    visited, joined = (None if row[name] == never else row[name] for name in ("visited", "joined"))
    last = max(day for day in (visited, joined) if day)
    away = (today - last).days
    if visited is None:
        reason = f"enrolled on {joined}, {away} days ago, and never came"
    elif joined is not None and joined > visited:
        reason = f"enrolled again on {joined}, {away} days ago, and has not come since"
    else:
        reason = f"no activity in the course since {visited}, {away} days ago"
    return LearnerAtRisk(
        user_id=row["user_id"],
        course_id=row["course_id"],
        last_active=visited,
        enrolled=joined,
        days_away=away,
        reason=reason,
    )
