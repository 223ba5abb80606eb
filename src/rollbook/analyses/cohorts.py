"""Cohorts: the people of each day, and how many of them come back."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any, ClassVar

from pydantic import Field

from rollbook.analyses.chart import Chart, Heatmap
from rollbook.analyses.crowd import Crowd
from rollbook.analyses.question import Answer, Question, When
from rollbook.store import Scope
from rollbook.store.scope import DAY


class Cohort(Answer):
    """The people who first came on one day."""

    day: date
    people: int
    returned: list[float | None] = Field(description="Share back on day 0, 1, 2 … or later; null: not passed yet.")


class Cohorts(Question[Cohort]):
    """Of the people who first came on each day, what share came back N days later or after?

    A row for each day on which someone first came. Unbounded N-day retention as in `cohort_analysis`: a share is null
    until the day N days later has ended.
    """

    days: Annotated[int, Field(ge=1, le=366, description="Calendar days, today included.")] = 30

    sql: ClassVar[str] = """
        select came as day, dateDiff('day', came, last_day) as stayed, count() as people
        from (select person, toDate(first, {zone:String}) as came from people_scope) as p
        inner join (select person, max(day) as last_day from learner_days_scope group by person) as d using person
        where came > {today:Date} - {days:UInt16}
        group by day, stayed
        order by day, stayed
        """
    crowd: ClassVar[Crowd] = Crowd(counts={"people": ""}, shares={"returned": "people"})
    chart: ClassVar[Chart] = Heatmap(
        x="n", y="day", color="returned", explode="returned", percent=True, titles={"n": "days later"}
    )

    def scope(self, when: When) -> Scope:
        """The days of the cohorts, and so all that they did since."""
        return when.calendar_days(self.days)

    def rows(self, found: Sequence[dict[str, Any]], when: When) -> list[Cohort]:
        """A row for each day on which someone first came."""
        stays: dict[date, dict[int, int]] = defaultdict(dict)
        for row in found:
            stays[row["day"]][row["stayed"]] = row["people"]
        return [self._cohort(day, stays[day], when) for day in sorted(stays)]

    def _cohort(self, day: date, stays: dict[int, int], when: When) -> Cohort:
        people = sum(stays.values())
        returned = [
            sum(count for stayed, count in stays.items() if stayed >= n) / people
            if day + n * DAY < when.today
            else None
            for n in range(self.days)
        ]
        return Cohort(day=day, people=people, returned=returned)
