"""Retention curve: of everyone who came, what share comes back N days later or after?"""

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar

from pydantic import Field

from rollbook.analyses.chart import Chart, Line
from rollbook.analyses.cohorts import Cohorts
from rollbook.analyses.crowd import Crowd
from rollbook.analyses.question import Answer, Question, When
from rollbook.store import Scope


class CurvePoint(Answer):
    """One N."""

    n: int = Field(description="Days after the day of the first event.")
    people: int = Field(description="People whose day N has ended.")
    returned: int = Field(description="Those of them who came on day N or later.")
    share: float | None = Field(description="Returned over people; null: nobody's day N has ended.")


class RetentionCurve(Question[CurvePoint]):
    """Of the people who first came in the last days, what share came back N days later or after?

    The cohorts of the last calendar days taken together: for each N those whose day N has ended. As there are fewer of
    them the higher N is, the curve of a few people may rise; each cohort alone never does.
    """

    days: Annotated[int, Field(ge=1, le=366, description="Calendar days, today included.")] = 30

    sql: ClassVar[str] = Cohorts.sql
    crowd: ClassVar[Crowd] = Crowd(counts={"people": "", "returned": "people"}, falling=("people", "returned"))
    chart: ClassVar[Chart] = Line(
        x="n", y="share", types={"n": "quantitative"}, percent=True, titles={"n": "days later"}
    )

    def scope(self, when: When) -> Scope:
        """The days of the cohorts, and so all that they did since."""
        return when.calendar_days(self.days)

    def rows(self, found: Sequence[dict[str, Any]], when: When) -> list[CurvePoint]:
        """One row for each N."""
        return [self._point(n, found, when) for n in range(self.days)]

    def _point(self, n: int, found: Sequence[dict[str, Any]], when: When) -> CurvePoint:
        old = [row for row in found if (when.today - row["day"]).days > n]
        people = sum(row["people"] for row in old)
        returned = sum(row["people"] for row in old if row["stayed"] >= n)
        return CurvePoint(n=n, people=people, returned=returned, share=returned / people if people else None)
