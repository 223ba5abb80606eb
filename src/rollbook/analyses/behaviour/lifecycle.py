"""Lifecycle: who is new, who stays, who comes back, and who is gone."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Any, ClassVar

from pydantic import Field

from rollbook.analyses.behaviour import periods as calendar
from rollbook.analyses.behaviour.periods import Unit
from rollbook.analyses.chart import Bars, Chart
from rollbook.analyses.crowd import EVERYONE, Crowd
from rollbook.analyses.question import Answer, Question, When
from rollbook.store import Scope

NEW, RETURNING, RESURRECTING, DORMANT = range(4)


class LifecyclePeriod(Answer):
    """One day, week or month. Who is active is new, returning or resurrecting."""

    period: date = Field(description="Its first day.")
    new: int = Field(description="Active, and never before.")
    returning: int = Field(description="Active, and in the period before, too.")
    resurrecting: int = Field(description="Active, not in the period before, but earlier.")
    dormant: int = Field(description="Active in the period before, and not in this one.")


class Lifecycle(Question[LifecyclePeriod]):
    """How many people are new, return, come back after a pause, or stay away, in each day, week or month?

    Active is who has an event of any type; weeks begin on Monday. The last period is not over: until it is, people
    count as dormant in it who may still come.
    """

    unit: Unit = Field("week", description="`day`, `week` or `month`.")
    periods: Annotated[int, Field(ge=1, le=366, description="How many, the current one included.")] = 12

    sql: ClassVar[str] = """
        with day -> if({unit:String} = 'day', toInt32({today:Date} - day), if({unit:String} = 'week',
             toInt32(intDiv(toMonday({today:Date}) - toMonday(day), 7)),
             toInt32(dateDiff('month', day, {today:Date})))) as periods_back
        select stage.1 as back, stage.2 as kind, count() as people
        from (
            select arrayJoin(arrayConcat(
                       arrayMap(b -> (b, multiIf(b = newest, 0, has(backs, b + 1), 1, 2)), backs),
                       arrayMap(b -> (b - 1, 3), arrayFilter(b -> b > 0 and not has(backs, b - 1), backs)))) as stage
            from (
                select person, groupUniqArray(periods_back(day)) as backs
                from learner_days_scope
                group by person) as active
            inner join (
                select person, periods_back(toDate(first, {zone:String})) as newest from people_scope) as came
            using person)
        group by back, kind
        """
    crowd: ClassVar[Crowd] = Crowd(
        "select person from learner_days_scope",
        counts=dict.fromkeys(("new", "returning", "resurrecting", "dormant"), EVERYONE),
    )
    chart: ClassVar[Chart] = Bars(x="period", y="returning", types={"period": "temporal"})

    def scope(self, when: When) -> Scope:
        """The periods, and the one before them."""
        return calendar.scope(when, self.unit, self.periods + 1)

    def before(self, when: When) -> datetime | None:
        """As many periods earlier."""
        return calendar.before(when, self.unit, self.periods)

    def rows(self, found: Sequence[dict[str, Any]], when: When) -> list[LifecyclePeriod]:
        """Every period, those too in which nobody came."""
        people = {(row["back"], row["kind"]): row["people"] for row in found}
        days = calendar.shown(when, self.unit, self.periods)
        return [
            LifecyclePeriod(
                period=day,
                new=people.get((back, NEW), 0),
                returning=people.get((back, RETURNING), 0),
                resurrecting=people.get((back, RESURRECTING), 0),
                dormant=people.get((back, DORMANT), 0),
            )
            for back, day in zip(reversed(range(self.periods)), days, strict=True)
        ]
