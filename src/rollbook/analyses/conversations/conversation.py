"""What all questions about conversations share: the period, when silence is an end, and how many are enough."""

import dataclasses
from datetime import datetime, timedelta
from typing import Annotated, Any, Generic

from pydantic import Field

from rollbook.analyses.crowd import Crowd
from rollbook.analyses.question import A, Answer, Days, Question, When
from rollbook.store import Scope

# whose conversations the rows of a pattern add up
PEOPLE = "select arrayJoin(persons) as person from conversations_scope"

# the columns of a Group
GROUPED = """count() as conversations, uniqExactArray(persons) as people,
               uniqExactArrayIf(persons, status = 'completed') as people_completed,
               countIf(status = 'completed') / nullIf(countIf(status != 'active'), 0) as completion_rate"""


class ConversationQuestion(Question[A], Generic[A]):
    """A question about the conversations that began in a period. One belongs to a period whole, wherever it ends."""

    days: Days = Field(30, description="Conversations that began in the last N x 24 hours.")
    timeout_minutes: Annotated[
        int, Field(ge=1, le=43_200, description="Without an end, this long after the last message it is over.")
    ] = 30

    def scope(self, when: When) -> Scope:
        """The period; of the user's events, if the question names one."""
        scope, user = when.last(self.days), getattr(self, "user", None)
        return scope if user is None else dataclasses.replace(scope, users=(user,))


class PatternQuestion(ConversationQuestion[A], Generic[A]):
    """A question about patterns: where there are fewer conversations than that, it has no rows."""

    min_conversations: Annotated[
        int, Field(ge=1, le=1_000_000, description="Of fewer conversations no patterns are shown.")
    ] = 100

    def bound(self, when: When) -> dict[str, Any]:
        """The middle of the period, for what grows and declines."""
        return super().bound(when) | {"middle": self.middle(when)}

    def middle(self, when: When) -> datetime:
        """Half of the period lies before it."""
        return when.now - timedelta(days=self.days) / 2


class Group(Answer):
    """Conversations that have something in common, and how they went."""

    conversations: int
    people: int = Field(description="Distinct people who took part in them.")
    people_completed: int | None = Field(description="Those of them who completed at least one.")
    completion_rate: float | None = Field(description="Completed over all but active ones; null: all are active.")


def crowd_of(*keys: str, sql: str, rates: tuple[str, ...] = ()) -> Crowd:
    """The crowd of rows that are Groups: who takes part and who completes; `rates` follow from the latter, too."""
    return Crowd(
        sql,
        keys=keys,
        counts={"people_completed": "people"},
        rates=dict.fromkeys(("completion_rate", *rates), ("people_completed", "people")),
        optional=("people_completed",),
    )
