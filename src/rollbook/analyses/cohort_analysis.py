"""Cohort analysis: what became of the people who first came on one day."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field

from rollbook.analyses.chart import Chart, Line
from rollbook.analyses.crowd import Crowd
from rollbook.analyses.question import Answer, Question, When
from rollbook.store import Scope
from rollbook.store.scope import start_of


def split(periods: object) -> object:
    """Numbers in a text, divided by commas, as a list."""
    return periods.split(",") if isinstance(periods, str) else periods


Periods = Annotated[
    tuple[Annotated[int, Field(ge=0, le=3660)], ...], BeforeValidator(split), Field(min_length=1, max_length=100)
]


class CohortOfDay(Answer):
    """The people who first came on the day, and the share of them that came back."""

    cohort_date: date
    cohort_size: int
    retention: dict[str, float | None] = Field(description="`day_N`; null until day N has ended, or for nobody.")


class CohortAnalysis(Question[CohortOfDay]):
    """Of the people whose first event ever fell on this day, what share came back on day N or later?

    Unbounded N-day retention, so `day_N` falls with N; `exact` asks for day N itself. Day 0 is the cohort's own day. A
    share is null until its day has ended, and where the cohort is empty.
    """

    cohort_date: date = Field(description="Calendar day on which they first came.")
    periods: Periods = Field((1, 7, 14, 30, 90), description="The days N.")
    exact: bool = Field(False, description="Count who came back on day N itself, not on day N or later.")

    sql: ClassVar[str] = """
        select count() as size,
               sumForEach(arrayMap(n -> if({exact:Bool}, has(came, n), stayed >= n), {periods:Array(Int32)})) as back
        from (
            select person, max(n) as stayed,
                   groupUniqArrayIf(n, {exact:Bool} and has({periods:Array(Int32)}, n)) as came
            from (select person, toInt32(day - {cohort_date:Date}) as n from learner_days_scope)
            where person in (select person from people_scope
                             where toDate(first, {zone:String}) = {cohort_date:Date})
            group by person)
        """
    crowd: ClassVar[Crowd] = Crowd(counts={"cohort_size": ""}, shares={"retention": "cohort_size"})
    chart: ClassVar[Chart] = Line(
        x="n",
        y="retention",
        explode="retention",
        percent=True,
        types={"n": "quantitative"},
        titles={"n": "days later", "retention": "share back"},
    )

    def scope(self, when: When) -> Scope:
        """From the beginning of the cohort's day."""
        ever = when.ever()
        return Scope(ever.tenant, ever.until, start_of(self.cohort_date, when.zone), when.zone)

    def rows(self, found: Sequence[dict[str, Any]], when: When) -> list[CohortOfDay]:
        """One row."""
        size, back = found[0]["size"], found[0]["back"] or [0] * len(self.periods)
        retention = {
            f"day_{n}": came / size if size and when.today > self.cohort_date + timedelta(days=n) else None
            for n, came in zip(self.periods, back, strict=True)
        }
        return [CohortOfDay(cohort_date=self.cohort_date, cohort_size=size, retention=retention)]
