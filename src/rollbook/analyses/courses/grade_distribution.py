"""Grade distribution: how many learners have which grades?"""

from collections import Counter
from collections.abc import Sequence
from itertools import groupby
from typing import Any, ClassVar, Literal

from pydantic import Field

from rollbook.analyses.chart import Bars, Chart
from rollbook.analyses.crowd import Crowd
from rollbook.analyses.learning.attempts import grades
from rollbook.analyses.learning.of_course import OfPeriod
from rollbook.analyses.question import Answer, When

# of one content, where one is named
ONLY = "(empty({contents:Array(String)}) or content in {contents:Array(String)})"


class GradeRange(Answer):
    """Learners of one course whose grade lies in one range."""

    course: str
    from_score: int
    to_score: int = Field(description="The next range begins here; 100 belongs to the last one.")
    learners: int
    graded: int = Field(description="Learners of the course with a grade.")
    share: float = Field(description="Of all who have a grade in the course.")


class GradeDistribution(OfPeriod[GradeRange]):
    """How many learners of each course have which grades?

    A learner's grade in a course is the mean, over what they attempted there with a score, of the last score of each
    content; all weigh the same (what names no content counts as one). `content` asks about one of them only. Of
    attempts in the same millisecond the higher score came last. Ranges without anybody are there, with 0.
    """

    width: Literal[5, 10, 20, 25] = Field(10, description="Of a range, in points.")
    content: str | None = Field(None, max_length=1024, description="Only of this content; default: of the course.")

    sql: ClassVar[str] = f"""
        select course, least(toUInt8(floor(grade / {{width:UInt8}})), intDiv(100, {{width:UInt8}}) - 1) as place,
               count() as learners
        from ({grades(ONLY)})
        group by course, place
        order by course, place
        """
    crowd: ClassVar[Crowd] = Crowd(
        f"""
        select course, person from scope
        where type in {{attempts:Array(String)}} and isNotNull(score) and person != sipHash64('') and {ONLY}
        """,
        counts={"learners": "graded"},
    )
    chart: ClassVar[Chart] = Bars(x="from_score", y="learners", color="course", types={"from_score": "ordinal"})

    def bound(self, when: When) -> dict[str, Any]:
        """The content, if one is named."""
        return super().bound(when) | {"contents": [] if self.content is None else [self.content]}

    def rows(self, found: Sequence[dict[str, Any]], when: When) -> list[GradeRange]:
        """Every range of every course that has grades."""
        answers = []
        for course, rows in groupby(found, lambda row: str(row["course"])):
            counted = Counter({row["place"]: row["learners"] for row in rows})
            graded = counted.total()
            answers += [
                GradeRange(
                    course=course,
                    from_score=place * self.width,
                    to_score=(place + 1) * self.width,
                    learners=counted[place],
                    graded=graded,
                    share=counted[place] / graded,
                )
                for place in range(100 // self.width)
            ]
        return answers
