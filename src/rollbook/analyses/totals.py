"""Totals: how much there is."""

from datetime import date
from typing import ClassVar

from pydantic import Field

from rollbook.analyses.crowd import Crowd
from rollbook.analyses.question import Answer, Days, Kind, Question, When
from rollbook.store import Scope


class Total(Answer):
    """Everything in the period."""

    events: int
    people: int = Field(description="Distinct people.")
    sessions: int = Field(description="`session_start` events.")
    seconds: float = Field(description="Sum of all durations.")
    first: date | None = Field(description="Calendar day of the first event; null: there is none.")
    last: date | None = Field(description="Calendar day of the last event; null: there is none.")


class Totals(Question[Total]):
    """How many events, people and sessions are there, and from when to when?

    Events and seconds are everybody's, the empty user's too; people are not.
    """

    days: Days | None = Field(None, description="The last N x 24 hours; default: everything ever.")

    kind: ClassVar[Kind] = "aggregation"
    sql: ClassVar[str] = """
        select sum(n) as events, sum(p) as people, sum(s) as sessions, sum(t) as seconds,
               min(f) as first, max(l) as last
        from (
            select sum(events) as n, 0 as p, sumIf(events, type = 'session_start') as s, sum(seconds) as t,
                   minOrNull(day) as f, maxOrNull(day) as l
            from activity_scope
            union all
            select 0 as n, uniqExact(person) as p, 0 as s, 0 as t, null as f, null as l from learner_days_scope)
        """

    crowd: ClassVar[Crowd] = Crowd(
        "select person from learner_days_scope",
        counts={"people": ""},
        figures=("events", "sessions", "seconds"),
        extremes=("first", "last"),
        weekly=True,
    )

    def scope(self, when: When) -> Scope:
        """The period, or everything."""
        return when.ever() if self.days is None else when.last(self.days)
