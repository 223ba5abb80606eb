"""Pass rate: what share of a course's learners have a passing grade?"""

from collections.abc import Sequence
from typing import Any, ClassVar

from pydantic import Field

from rollbook.analyses.chart import Bars, Chart
from rollbook.analyses.crowd import EVERYONE, Crowd
from rollbook.analyses.learning.attempts import grades
from rollbook.analyses.learning.of_course import OfPeriod, Passing
from rollbook.analyses.question import Answer, When


class CourseGrades(Answer):
    """One course, by its name."""

    course: str
    graded: int = Field(description="Learners with a grade.")
    passing: int | None = Field(description="Of them, with a passing grade; null: withheld.")
    pass_rate: float | None = Field(description="Passing over graded.")
    mean_grade: float
    median_grade: float


class PassRate(OfPeriod[CourseGrades]):
    """How many learners of each course have a passing grade now, and what is the mean?

    Grades are those of `grade_distribution`.
    """

    passing: Passing = Field(70, description="Grade from which a learner passes.")

    sql: ClassVar[str] = f"""
        select course, count() as graded, countIf(grade >= {{passing:Float64}}) as passing, avg(grade) as mean_grade,
               quantileExactInclusive(0.5)(grade) as median_grade
        from ({grades()})
        group by course
        order by course
        """
    crowd: ClassVar[Crowd] = Crowd(
        """
        select course, person from scope
        where type in {attempts:Array(String)} and isNotNull(score) and person != sipHash64('')
        """,
        keys=("course",),
        counts={"graded": EVERYONE, "passing": "graded"},
        rates={"pass_rate": ("passing", "graded")},
        optional=("passing",),
    )
    chart: ClassVar[Chart] = Bars(x="course", y="pass_rate", percent=True)

    def rows(self, found: Sequence[dict[str, Any]], when: When) -> list[CourseGrades]:
        """With the rate."""
        return [CourseGrades(**row, pass_rate=row["passing"] / row["graded"]) for row in found]
