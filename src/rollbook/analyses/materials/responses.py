"""Responses: what do learners answer?"""

from collections.abc import Sequence
from typing import Any, ClassVar, Literal

from pydantic import Field

from rollbook.analyses.chart import Bars, Chart
from rollbook.analyses.crowd import EVERYONE, Crowd
from rollbook.analyses.learning.of_course import OfPeriod
from rollbook.analyses.question import Answer, When


class Response(Answer):
    """One answer that was given."""

    response: str = Field(description="As it was given, cut at 200 characters.")
    learners: int = Field(description="Who gave it.")
    share: float = Field(description="Of all who answered.")
    mean_score: float | None = Field(description="What it was worth; null: no scores.")


class Responses(OfPeriod[Response]):
    """Which answers do learners give to a problem, at first or in the end?

    The answer is the property `response` (else `answer`) of an attempt: a text as it is, anything else as JSON. The
    first attempt of each learner counts, or the last. Most frequent first. Of attempts in the same millisecond the
    lower score came first, no score first of all; then by the answer.
    """

    content: str = Field(min_length=1, max_length=1024, description="Which problem.")
    which: Literal["first", "last"] = Field("first", description="Which attempt of each learner.")
    limit: int = Field(100, ge=1, le=10_000, description="Most answers.")

    sql: ClassVar[str] = """
        select if({which:String} = 'first', opening.3, final.3) as response, count() as learners,
               countIf(if({which:String} = 'first', opening.2, final.2) >= 0) as scored,
               sumIf(if({which:String} = 'first', opening.2, final.2),
                     if({which:String} = 'first', opening.2, final.2) >= 0) as points,
               sum(learners) over () as everyone
        from (
            select person, min((timestamp, points, told)) as opening, max((timestamp, points, told)) as final
            from (
                select person, timestamp, ifNull(score, -1) as points,
                       if(JSONHas(measured, 'response'), 'response', 'answer') as place,
                       if(JSONType(measured, place) = 'String', JSONExtractString(measured, place),
                          JSONExtractRaw(measured, place)) as whole, leftUTF8(whole, 200) as told
                from scope
                where content = {content:String} and type in {attempts:Array(String)} and person != sipHash64(''))
            where told not in ('', 'null')
            group by person)
        group by response
        order by learners desc, response
        limit {limit:UInt32}
        """
    crowd: ClassVar[Crowd] = Crowd(
        """
        select if({which:String} = 'first', opening.3, final.3) as response, person
        from (
            select person, min((timestamp, points, told)) as opening, max((timestamp, points, told)) as final
            from (
                select person, timestamp, ifNull(score, -1) as points,
                       if(JSONHas(measured, 'response'), 'response', 'answer') as place,
                       if(JSONType(measured, place) = 'String', JSONExtractString(measured, place),
                          JSONExtractRaw(measured, place)) as whole, leftUTF8(whole, 200) as told
                from scope
                where content = {content:String} and type in {attempts:Array(String)} and person != sipHash64(''))
            where told not in ('', 'null')
            group by person)
        """,
        keys=("response",),
        counts={"learners": EVERYONE},
    )
    chart: ClassVar[Chart] = Bars(x="response", y="learners")

    def rows(self, found: Sequence[dict[str, Any]], when: When) -> list[Response]:
        """With share and mean."""
        return [
            Response(
                response=row["response"],
                learners=row["learners"],
                share=row["learners"] / row["everyone"],
                mean_score=row["points"] / row["scored"] if row["scored"] else None,
            )
            for row in found
        ]
