"""Survival: how long people stay until they drop out (Kaplan-Meier), and until they complete instead (Aalen-Johansen).

Sources: Kaplan and Meier 1958; confidence bands by Greenwood's variance on the log(-log) scale (Kalbfleisch and
Prentice, The Statistical Analysis of Failure Time Data, 1.4); cumulative incidence by Aalen and Johansen 1978.
"""

import math
from collections.abc import Sequence
from statistics import NormalDist
from typing import Annotated, Any, ClassVar

from pydantic import Field

from rollbook.analyses.chart import Chart, Line
from rollbook.analyses.crowd import Crowd
from rollbook.analyses.question import Answer, Question, When
from rollbook.store import Scope

CENSORED, DROPPED, COMPLETED = range(3)


class SurvivalDay(Answer):
    """One day after people first came. Those who first came share a clock that begins on their first day."""

    day: int = Field(description="Days since the day on which someone first came.")
    at_risk: int = Field(description="Neither dropped out nor completed nor censored before this day.")
    dropped: int = Field(description="Dropped out on this day or before.")
    completed: int = Field(description="Completed on this day or before, without having dropped out.")
    survival: float = Field(description="Kaplan-Meier: the probability not to have dropped out by the end of this day.")
    lower: float | None = Field(description="Of the confidence band; null where nobody or everybody has dropped out.")
    upper: float | None = Field(description="Of the confidence band; null where nobody or everybody has dropped out.")
    dropout: float = Field(description="Aalen-Johansen: the probability to have dropped out by then.")
    completion: float = Field(description="Aalen-Johansen: the probability to have completed by then.")


class Survival(Question[SurvivalDay]):
    """Of the people who first came in the last days, what share has not dropped out so many days later?

    Someone drops out on the day that ends `inactive_days` whole calendar days without any event of theirs (so never
    earlier than that many days after they first came), for good: a later return does not count. They complete with
    their first event of the type `completion`, if they have not dropped out before. Everyone else is censored at the
    end of yesterday, the last whole day: who completes today counts from tomorrow on. Who is censored or completes on a
    day is at risk on it. Kaplan-Meier treats completion as censoring; the Aalen-Johansen incidences let it compete, so
    that the share who still go on is 1 - dropout - completion.
    """

    days: Annotated[int, Field(ge=1, le=1098, description="Who first came in these calendar days, today included.")] = (
        90
    )
    inactive_days: Annotated[int, Field(ge=1, le=366, description="Whole days without an event.")] = 14
    completion: Annotated[str, Field(min_length=1, max_length=1024)] = Field(
        "course_complete", description="The type of event that completes."
    )
    confidence: Annotated[float, Field(gt=0, lt=1, description="Of the band around the survival.")] = 0.95

    sql: ClassVar[str] = """
        with arrayConcat(arrayPopFront(arrayDifference(active)), [{today:Date} - came - active[-1]]) as pauses,
             arrayFirstIndex(pause -> pause > {inactive_days:UInt16}, pauses) as last,
             last > 0 and (done < 0 or done > active[last]) as has_dropped
        select multiIf(has_dropped, active[last] + {inactive_days:UInt16}, done >= 0, done,
                       greatest({today:Date} - came - 1, 0)) as time,
               multiIf(has_dropped, 1, done >= 0, 2, 0) as cause, count() as people
        from (
            select person, any(first_day) as came,
                   arraySort(groupUniqArrayIf(toInt32(day - first_day), kind = 0)) as active,
                   minOrNullIf(toInt32(day - first_day), kind = 1) as done_on, ifNull(done_on, -1) as done
            from (
                select person, day, kind, first_day
                from (
                    select person, day, 0 as kind from learner_days_scope
                    union all
                    select person, day, 1 as kind from activity_scope
                    where type = {completion:String} and person != sipHash64('') and day < {today:Date}
                    group by person, day having sum(events) > 0) as told
                inner join (
                    select person, toDate(first, {zone:String}) as first_day from people_scope
                    where first_day > {today:Date} - {days:UInt16}) as newcomers using person)
            group by person)
        group by time, cause
        order by time, cause
        """
    crowd: ClassVar[Crowd] = Crowd(counts={"at_risk": ""}, falling=("at_risk", "dropped", "completed"))
    chart: ClassVar[Chart] = Line(x="day", y="survival", types={"day": "quantitative"}, percent=True)

    def scope(self, when: When) -> Scope:
        """The days in which people first came, and so all that they did since."""
        return when.calendar_days(self.days)

    def rows(self, found: Sequence[dict[str, Any]], when: When) -> list[SurvivalDay]:
        """Every day from 0 to the last on which anybody was at risk."""
        ends: dict[int, list[int]] = {}
        for row in found:
            ends.setdefault(row["time"], [0, 0, 0])[row["cause"]] += row["people"]
        curve, rows = _Curve(sum(map(sum, ends.values()))), []
        for day in range(max(ends, default=-1) + 1):
            censored, dropped, completed = ends.get(day, (0, 0, 0))
            rows.append(curve.step(day, dropped, completed, self.confidence))
            curve.at_risk -= censored + dropped + completed
        return rows


class _Curve:
    """The estimates so far."""

    def __init__(self, people: int) -> None:
        self.at_risk = people
        self.dropped = self.completed = 0
        self.survival = self.free = 1.0
        self.greenwood = self.dropout = self.completion = 0.0

    def step(self, day: int, dropped: int, completed: int, confidence: float) -> SurvivalDay:
        """One day further. `free`: neither dropped out nor completed."""
        at_risk = self.at_risk
        self.dropped += dropped
        self.completed += completed
        self.dropout += self.free * dropped / at_risk
        self.completion += self.free * completed / at_risk
        self.free *= 1 - (dropped + completed) / at_risk
        self.survival *= 1 - dropped / at_risk
        if dropped < at_risk:
            self.greenwood += dropped / (at_risk * (at_risk - dropped))
        lower, upper = self._band(confidence)
        return SurvivalDay(
            day=day,
            at_risk=at_risk,
            dropped=self.dropped,
            completed=self.completed,
            survival=self.survival,
            lower=lower,
            upper=upper,
            dropout=self.dropout,
            completion=self.completion,
        )

    def _band(self, confidence: float) -> tuple[float | None, float | None]:
        """log(-log S) plus and minus z times its standard error, turned back."""
        if not 0 < self.survival < 1:
            return None, None
        logged = math.log(self.survival)
        width = NormalDist().inv_cdf((1 + confidence) / 2) * math.sqrt(self.greenwood) / abs(logged)
        return math.exp(logged * math.exp(width)), math.exp(logged * math.exp(-width))
