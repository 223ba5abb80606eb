"""Period figures: what people did in a period, and in those before it."""

import dataclasses
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Annotated, Any, ClassVar

from pydantic import Field

from rollbook.analyses.chart import Bars, Chart
from rollbook.analyses.crowd import Crowd
from rollbook.analyses.question import Answer, Question, When
from rollbook.store import Scope
from rollbook.store.scope import DAY, MILLISECOND, start_of

SECONDS_A_MINUTE = 60


class Figures(Answer):
    """One period of whole days."""

    back: int = Field(description="0: the last period; 1: the one before it, …")
    begin: date
    end: date = Field(description="Its last day.")
    people: int
    people_before: int = Field(description="Of the period before.")
    returned: int = Field(description="Of those, people who came in this one, too.")
    events_per_person: float | None = Field(description="null: nobody came.")
    sessions_per_person: float | None = Field(description="`session_start` events.")
    minutes_per_person: float | None = Field(description="Sum of durations.")
    completions_per_person: float | None = Field(description="Events that complete content.")
    return_rate: float | None = Field(description="Returned over people before; null: nobody was there before.")
    error_rate: float | None = Field(description="`api_error` over `api_request` and `api_error`; null: none of them.")


class PeriodFigures(Question[Figures]):
    """How do the figures of the last days compare with those of the same number of days before, and before that?

    Whole calendar days that are over: the last period ends yesterday. Figures per person count people's events alone;
    the error rate counts everybody's. The last period comes first.
    """

    days: Annotated[int, Field(ge=1, le=366, description="Calendar days of a period.")] = 28
    periods: Annotated[int, Field(ge=1, le=24, description="Periods to show, the last one included.")] = 7

    sql: ClassVar[str] = """
        select back, countIf(person != sipHash64('')) as people,
               countIf(person != sipHash64('') and has(all_back, back + 1)) as returned,
               sumIf(n, person != sipHash64('')) as events, sumIf(s, person != sipHash64('')) as sessions,
               sumIf(t, person != sipHash64('')) as seconds, sumIf(c, person != sipHash64('')) as completions,
               sum(requests) as requests, sum(errors) as errors
        from (
            select person, groupArray(back) as all_back,
                   groupArray((back, n, s, t, c, requests, errors)) as figures
            from (
                select person, intDiv(toUInt32({last:Date} - day), {days:UInt32}) as back, sum(events) as n,
                       sumIf(events, type = 'session_start') as s, sum(seconds) as t,
                       sumIf(events, type in ('content_completion', 'completion', 'material_complete',
                                              'course_complete')) as c,
                       sumIf(events, type in ('api_request', 'api_error')) as requests,
                       sumIf(events, type = 'api_error') as errors
                from activity_scope
                group by person, back
                having n > 0)
            group by person)
        array join figures.1 as back, figures.2 as n, figures.3 as s, figures.4 as t, figures.5 as c,
                   figures.6 as requests, figures.7 as errors
        group by back
        """

    crowd: ClassVar[Crowd] = Crowd(counts={"people": "", "people_before": "", "returned": "people_before"})
    chart: ClassVar[Chart] = Bars(x="begin", y="people", types={"begin": "temporal"})

    def scope(self, when: When) -> Scope:
        """The periods, and one before them to know who returned; up to yesterday."""
        begin = when.today - self.days * (self.periods + 1) * DAY
        until = start_of(when.today, when.zone) - MILLISECOND
        return dataclasses.replace(when.ever(), begin=start_of(begin, when.zone), until=until)

    def bound(self, when: When) -> dict[str, Any]:
        """The last day."""
        return super().bound(when) | {"last": when.today - DAY}

    def rows(self, found: Sequence[dict[str, Any]], when: When) -> list[Figures]:
        """All periods, those without anything too."""
        known = {row["back"]: row for row in found}
        last = when.today - DAY
        return [
            _figures(back, last - timedelta(days=back * self.days), self.days, known) for back in range(self.periods)
        ]


def _figures(back: int, last: date, days: int, known: dict[int, dict[str, Any]]) -> Figures:
    row: dict[str, Any] = known.get(back, {})
    people, before = row.get("people", 0), known.get(back + 1, {}).get("people", 0)

    def each(name: str, over: int) -> float | None:
        return row.get(name, 0) / over if over else None

    return Figures(
        back=back,
        begin=last - timedelta(days=days - 1),
        end=last,
        people=people,
        people_before=before,
        returned=row.get("returned", 0),
        events_per_person=each("events", people),
        sessions_per_person=each("sessions", people),
        minutes_per_person=each("seconds", people * SECONDS_A_MINUTE),
        completions_per_person=each("completions", people),
        return_rate=each("returned", before),
        error_rate=each("errors", row.get("requests", 0)),
    )
