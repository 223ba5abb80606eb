"""Totals: how much there is."""

from datetime import date
from typing import ClassVar

from pydantic import Field

from rollbook.analyses.question import Answer, Days, Question, When
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

    sql: ClassVar[str] = """
        select *
        from (select sum(a.events) as events, sumIf(a.events, a.type = 'session_start') as sessions,
                     sum(a.seconds) as seconds, if(count() = 0, null, min(a.day)) as first,
                     if(count() = 0, null, max(a.day)) as last
              from activity_scope as a) as counted
        cross join (select uniqExact(person) as people from learner_days_scope) as came
        """

    def scope(self, when: When) -> Scope:
        """The period, or everything."""
        return when.ever() if self.days is None else when.last(self.days)
