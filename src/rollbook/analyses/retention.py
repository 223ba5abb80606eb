"""Retention: how many of the people come (back) in a period."""

import dataclasses
from collections.abc import Sequence
from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field

from rollbook.analyses.crowd import Crowd
from rollbook.analyses.question import Answer, Days, Question, When
from rollbook.store import Scope


def split(users: object) -> object:
    """Names in a text, divided by commas, as a list."""
    return [name.strip() for name in users.split(",")] if isinstance(users, str) else users


People = Annotated[tuple[str, ...], BeforeValidator(split), Field(max_length=100_000)]


class RetentionRate(Answer):
    """How many came."""

    period_days: int
    retention_rate: float = Field(description="Active people over the cohort; 0 where the cohort is empty.")
    cohort_size: int = Field(description="The people named, or everyone ever seen.")
    active_users: int = Field(description="Those of them with an event in the period.")


class Retention(Question[RetentionRate]):
    """What share of the named people, or of everyone ever seen, was active in the last days?

    Active is who has an event of any type in the period. The cohort are the named people, each once, whether they were
    ever seen or not; or, if none are named, everyone with an event up to now.
    """

    period: Days = Field(7, description="The last N x 24 hours.")
    users: People | None = Field(None, description="Of these people (comma-separated or a list); default: everyone.")

    sql: ClassVar[str] = """
        select sum(size) as everyone, sum(came) as active
        from (
            select count() as size, countIf(not late and last >= {begin:DateTime64(3, 'UTC')}) as came from people_scope
            union all
            select 0 as size, uniqExact(person) as came from late_days_scope)
        """

    crowd: ClassVar[Crowd] = Crowd(
        "select person from learner_days_scope",
        counts={"cohort_size": "", "active_users": "cohort_size"},
        rates={"retention_rate": ("active_users", "cohort_size")},
        weekly=True,
    )

    def scope(self, when: When) -> Scope:
        """The period; of the named people."""
        scope = when.last(self.period)
        return scope if self.users is None else dataclasses.replace(scope, users=self._named())

    def bound(self, when: When) -> dict[str, Any]:
        """Where the period begins."""
        return super().bound(when) | {"begin": self.scope(when).begin}

    def rows(self, found: Sequence[dict[str, Any]], when: When) -> list[RetentionRate]:
        """One row."""
        active = found[0]["active"]
        size = found[0]["everyone"] if self.users is None else len(self._named())
        rate = active / size if size else 0.0
        return [RetentionRate(period_days=self.period, retention_rate=rate, cohort_size=size, active_users=active)]

    def _named(self) -> tuple[str, ...]:
        """Each named person once; the empty name is nobody."""
        return tuple(sorted({user for user in self.users or () if user}))
