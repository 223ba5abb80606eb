"""Active users: how many people come on a day, in a week, in a month."""

from datetime import date
from typing import Annotated, ClassVar

from pydantic import Field

from rollbook.analyses.chart import Chart, Line
from rollbook.analyses.question import Answer, Question, When
from rollbook.store import Scope

MONTH = 30


class ActiveDay(Answer):
    """One calendar day in the zone of the question."""

    day: date
    dau: int = Field(description="People active on the day.")
    wau: int = Field(description="People active in the 7 days that end with it.")
    mau: int = Field(description="People active in the 30 days that end with it.")
    stickiness: float | None = Field(description="DAU over MAU; null where nobody was active for 30 days.")


class ActiveUsers(Question[ActiveDay]):
    """How many people were active on each day, and in the 7 and 30 days up to it (DAU, WAU, MAU, stickiness)?"""

    days: Annotated[int, Field(ge=1, le=366, description="Calendar days, today included.")] = 30

    sql: ClassVar[str] = """
        select shown as day,
               uniqExactIf(person, day = shown) as dau,
               uniqExactIf(person, day > shown - 7) as wau,
               uniqExact(person) as mau,
               if(mau = 0, null, dau / mau) as stickiness
        from (
            select person, day, arrayJoin(arrayFilter(d -> d > {today:Date} - {days:UInt16} and d <= {today:Date},
                                                      arrayMap(n -> day + n, range(30)))) as shown
            from learner_days_scope
            group by person, day)
        group by shown
        order by day
        with fill from {today:Date} - {days:UInt16} + 1 to {today:Date} + 1
        """
    chart: ClassVar[Chart] = Line(x="day", y="dau", types={"day": "temporal"}, titles={"dau": "people"})

    def scope(self, when: When) -> Scope:
        """The days shown and the month before them."""
        return when.calendar_days(self.days + MONTH - 1)
