"""Problem engagement: how do learners get through quizzes and problems?"""

from typing import ClassVar

from pydantic import Field

from rollbook.analyses.chart import Bars, Chart
from rollbook.analyses.crowd import EVERYONE, Crowd
from rollbook.analyses.learning.attempts import in_order
from rollbook.analyses.learning.of_course import OfPeriod, Passing
from rollbook.analyses.question import Answer


class Problem(Answer):
    """One problem, by its content id."""

    content: str
    learners: int = Field(description="Who attempted it.")
    attempts: int = Field(description="With a score.")
    passed: int | None = Field(description="Learners who passed it sooner or later; null: withheld.")
    passed_at_first: int | None = Field(description="Learners who passed at the first attempt; null: withheld.")
    mean_score: float = Field(description="Of all attempts.")
    mean_last_score: float = Field(description="Of the learners' last attempts.")
    attempts_to_pass: float | None = Field(description="Mean number of the first passed attempt; null: nobody passed.")
    hints: int = Field(description="Hints asked for by those who attempted it.")
    solutions: int = Field(description="Solutions looked at by them.")


class ProblemEngagement(OfPeriod[Problem]):
    """How do learners get through quizzes and problems: attempts, passes, scores, hints?

    Problems are contents with attempts that have a score. Of attempts in the same millisecond the lower score came
    first. The most attempted first.
    """

    passing: Passing = Field(70, description="Score from which an attempt is passed.")
    limit: int = Field(1000, ge=1, le=100_000, description="Most problems.")

    # one key, since ClickHouse is slow at keys of texts
    sql: ClassVar[str] = f"""
        select item as content, count() as learners, sum(n) as attempts, countIf(place > 0) as passed,
               countIf(place = 1) as passed_at_first, sum(points) / attempts as mean_score,
               avg(latest) as mean_last_score,
               avgOrNullIf(place, place > 0) as attempts_to_pass, sum(asked) as hints, sum(looked) as solutions
        from (
            select any(content) as item, countIf(type in {{hints:Array(String)}}) as asked,
                   countIf(type in {{solutions:Array(String)}}) as looked,
                   {in_order("type in {attempts:Array(String)} and isNotNull(score)")} as scores,
                   length(scores) as n, arraySum(scores) as points, scores[-1] as latest,
                   arrayFirstIndex(s -> s >= {{passing:Float64}}, scores) as place
            from scope
            where (type in {{attempts:Array(String)}} or type in {{hints:Array(String)}}
                   or type in {{solutions:Array(String)}}) and content != '' and person != sipHash64('')
            group by cityHash64(content, person)
            having n > 0)
        group by content
        order by attempts desc, content
        limit {{limit:UInt32}}
        """
    crowd: ClassVar[Crowd] = Crowd(
        """
        select content, person from scope
        where type in {attempts:Array(String)} and isNotNull(score) and content != '' and person != sipHash64('')
        """,
        keys=("content",),
        counts={"learners": EVERYONE, "passed": "learners", "passed_at_first": "learners"},
        optional=("passed", "passed_at_first"),
        extremes=("attempts_to_pass",),
    )
    chart: ClassVar[Chart] = Bars(x="content", y="attempts")
