"""Course activity: how many learners are active in each course, day by day, and what do they do?"""

from datetime import date
from typing import Annotated, ClassVar

from pydantic import Field

from rollbook.analyses.chart import Chart, Line
from rollbook.analyses.crowd import EVERYONE, Crowd
from rollbook.analyses.learning.of_course import OfCourse
from rollbook.analyses.question import Answer, When
from rollbook.store import Scope


class CourseDay(Answer):
    """One course on one calendar day."""

    course: str
    day: date
    learners: int = Field(description="Active on the day.")
    events: int
    pages: int = Field(description="Page and content views.")
    videos: int = Field(description="Videos played.")
    attempts: int = Field(description="Attempts at quizzes and problems.")
    hints: int = Field(description="Hints and solutions asked for.")


class CourseActivity(OfCourse[CourseDay]):
    """How many learners are active in each course on each day, and what do they do there?

    Days on which nothing happened in a course are not there. Enrolments and withdrawals are no activity.
    """

    days: Annotated[int, Field(ge=1, le=366, description="Calendar days, today included.")] = 30

    sql: ClassVar[str] = """
        select any(of) as course, any(on) as day, uniqExact(person) as learners, sum(n) as events,
               sumIf(n, type in {pages:Array(String)}) as pages, sumIf(n, type = 'video_play') as videos,
               sumIf(n, type in {attempts:Array(String)}) as attempts,
               sumIf(n, type in {hints:Array(String)} or type in {solutions:Array(String)}) as hints
        from (
            select course as of, day as on, person, type, events as n from activity_scope
            where course != '' and person != sipHash64('') and events > 0
                  and type not in {administrative:Array(String)})
        group by cityHash64(of, on)
        order by course, day
        """
    crowd: ClassVar[Crowd] = Crowd(
        "select course, day, person from activity_scope where course != '' and person != sipHash64('')"
        " and type not in {administrative:Array(String)}",
        keys=("course", "day"),
        counts={"learners": EVERYONE},
    )
    chart: ClassVar[Chart] = Line(x="day", y="learners", color="course", types={"day": "temporal"})

    def scope(self, when: When) -> Scope:
        """The days shown."""
        return self.in_course(when.calendar_days(self.days))
