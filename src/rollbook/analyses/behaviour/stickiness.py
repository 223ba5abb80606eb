"""Stickiness: on how many days of a period do people come?"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from rollbook.analyses.behaviour import periods as calendar
from rollbook.analyses.chart import Chart, Heatmap
from rollbook.analyses.crowd import EVERYONE, Crowd
from rollbook.analyses.question import Answer, Question, When
from rollbook.store import Scope
from rollbook.store.scope import DAY


class StickyPeriod(Answer):
    """One week or month."""

    period: date = Field(description="Its first day.")
    days_so_far: int = Field(description="How many days it has had by now.")
    people: int = Field(description="Active on one of them at least.")
    dau_mau: float | None = Field(
        description="People active on an average day, over people; of weeks this is DAU over WAU. Null: nobody came."
    )
    at_least: list[float | None] = Field(
        description="Share of the people active on 1, 2, 3 … days at least; null: so many days have not passed."
    )


class Stickiness(Question[StickyPeriod]):
    """On how many days of each week or month were people active, and what share of them on an average day (DAU/MAU)?

    Active is who has an event of any type on a calendar day. Of the current period only the days up to today count.
    """

    unit: Literal["week", "month"] = Field("month", description="`week` (from Monday) or `month`.")
    periods: Annotated[int, Field(ge=1, le=120, description="How many, the current one included.")] = 6

    sql: ClassVar[str] = """
        select begin, days, count() as people
        from (
            select if({unit:String} = 'week', toMonday(day), toStartOfMonth(day)) as begin,
                   bitCount(groupBitOr(bitShiftLeft(toUInt64(1), toUInt8(day - begin)))) as days
            from learner_days_scope
            group by person, begin)
        group by begin, days
        """
    crowd: ClassVar[Crowd] = Crowd(
        "select person from learner_days_scope", counts={"people": EVERYONE}, shares={"at_least": "people"}
    )
    chart: ClassVar[Chart] = Heatmap(
        x="n",
        y="period",
        color="at_least",
        explode="at_least",
        percent=True,
        titles={"n": "active days beyond the first"},
    )

    def scope(self, when: When) -> Scope:
        """The periods."""
        return calendar.scope(when, self.unit, self.periods)

    def before(self, when: When) -> datetime | None:
        """As many periods earlier."""
        return calendar.before(when, self.unit, self.periods)

    def rows(self, found: Sequence[dict[str, Any]], when: When) -> list[StickyPeriod]:
        """Every period, those too in which nobody came."""
        people: dict[date, dict[int, int]] = defaultdict(dict)
        for row in found:
            people[row["begin"]][row["days"]] = row["people"]
        return [self._period(day, people[day], when) for day in calendar.shown(when, self.unit, self.periods)]

    def _period(self, begin: date, by_days: dict[int, int], when: When) -> StickyPeriod:
        after = calendar.earlier(self.unit, begin, -1)
        passed, everyone = min((after - begin) // DAY, (when.today - begin) // DAY + 1), sum(by_days.values())
        at_least: list[float | None] = [None] * ((after - begin) // DAY)
        for n in range(passed if everyone else 0):
            at_least[n] = sum(people for days, people in by_days.items() if days > n) / everyone
        on_days = sum(days * people for days, people in by_days.items())
        return StickyPeriod(
            period=begin,
            days_so_far=passed,
            people=everyone,
            dau_mau=on_days / (everyone * passed) if everyone else None,
            at_least=at_least,
        )
