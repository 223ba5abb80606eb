"""Enrolments: how many learners enrol and withdraw, day by day?"""

from collections.abc import Sequence
from datetime import date
from itertools import accumulate
from typing import Annotated, Any, ClassVar

from pydantic import Field

from rollbook.analyses.chart import Chart, Line
from rollbook.analyses.crowd import Crowd
from rollbook.analyses.learning.of_course import OfCourse
from rollbook.analyses.question import Answer, When
from rollbook.store.scope import DAY


class EnrolmentDay(Answer):
    """One calendar day."""

    day: date
    enrolled: int | None = Field(description="Enrolments of the day; null: withheld.")
    withdrawn: int | None = Field(description="Withdrawals of the day; null: withheld.")
    current: int = Field(description="Enrolled at its end.")


class Enrolments(OfCourse[EnrolmentDay]):
    """How many learners enrolled, withdrew, and were enrolled at the end of each day?

    Somebody is enrolled in a course from an enrolment until a withdrawal; a second enrolment or withdrawal in a row
    changes nothing. Somebody in two courses counts twice, unless one `course` is asked about. At the same millisecond
    the withdrawal came first.
    """

    days: Annotated[int, Field(ge=1, le=3660, description="Calendar days, today included.")] = 30

    sql: ClassVar[str] = """
        select toDate(change.1, {zone:String}) as day, countIf(change.2 = 1) as enrolled,
               countIf(change.2 = 0) as withdrawn
        from (
            select arrayJoin(arrayFilter((one, before) -> one.2 != before,
                                         told, arrayPushFront(arrayPopBack(told.2), toUInt8(0)))) as change
            from (
                select arraySort(groupArray((timestamp, type in {enrolments:Array(String)}))) as told
                from scope
                where type in {administrative:Array(String)} and course != '' and person != sipHash64('')
                group by course, person))
        group by day
        order by day
        """
    crowd: ClassVar[Crowd] = Crowd(
        counts={"enrolled": "", "withdrawn": "", "current": ""},
        optional=("enrolled", "withdrawn"),
        falling=("current",),
    )
    chart: ClassVar[Chart] = Line(x="day", y="current", types={"day": "temporal"}, titles={"current": "enrolled"})

    def rows(self, found: Sequence[dict[str, Any]], when: When) -> list[EnrolmentDay]:
        """Every day asked about, with what all days before it add up to."""
        first = when.today - (self.days - 1) * DAY
        by_day = {row["day"]: (row["enrolled"], row["withdrawn"]) for row in found}
        before = sum(enrolled - withdrawn for day, (enrolled, withdrawn) in by_day.items() if day < first)
        shown = [(day, *by_day.get(day, (0, 0))) for day in (first + n * DAY for n in range(self.days))]
        current = list(accumulate((enrolled - withdrawn for _, enrolled, withdrawn in shown), initial=before))[1:]
        return [
            EnrolmentDay(day=day, enrolled=enrolled, withdrawn=withdrawn, current=now)
            for (day, enrolled, withdrawn), now in zip(shown, current, strict=True)
        ]
