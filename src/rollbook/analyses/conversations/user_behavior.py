"""User behaviour: document 5's figures of every user who talks."""

import dataclasses
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, ClassVar

from pydantic import Field

from rollbook.analyses.conversations.conversation import ConversationQuestion
from rollbook.analyses.learner.each import measured
from rollbook.analyses.learner.measures import Measures, engagement_score, risk_in_hundredths
from rollbook.analyses.question import Answer, UserId, When
from rollbook.governance.consent import Purpose
from rollbook.store import Scope
from rollbook.store.scope import MILLISECOND

MOST_INTENTS = 5
MEASURES = tuple(field.name for field in dataclasses.fields(Measures))

# of the one who is asked about together, under whatever ids; else of those who talked most, each alone
MEASURED = measured(
    "if({user:String} = '', user, {user:String})",
    "learner",
    "({user:String} != '' or person in (select sipHash64(user_id) from talks))",
)


class BehaviorOfUser(Answer):
    """One user, in the fields of document 5's `UserBehaviorMetrics`."""

    user_id: str
    tenant_id: str
    period_start: datetime
    period_end: datetime
    total_conversations: int = Field(description="Those they took part in.")
    completed_conversations: int
    abandoned_conversations: int
    avg_session_duration: float = Field(description="Seconds, of the conversations that are over; 0: none is.")
    preferred_channel: str = Field(description='Of most of their conversations, the first by name; "": none was told.')
    most_common_intents: list[str] = Field(description="At most five, by how many of their conversations have them.")
    satisfaction_trend: float | None = Field(
        description="Mean satisfaction of the period's second half less that of its first; null: one has no rating."
    )
    engagement_score: float = Field(description="0 to 1, that of the question `engagement`, over the period.")
    churn_risk: float = Field(description="0 to 1, that of the question `dropout_risk`.")


class UserBehavior(ConversationQuestion[BehaviorOfUser]):
    """How does each user talk: conversations, ends, channel, intents, satisfaction, engagement and risk of leaving?

    Everyone who took part in a conversation that began in the period; most conversations first. Engagement is document
    1's score over the period, the risk document 1's rule over everything the user ever did (not only conversations).
    """

    user: UserId | None = Field(None, description="Only this user.")
    most: Annotated[int, Field(ge=1, le=10_000, description="Most users.")] = 100

    sql: ClassVar[str] = f"""
        with talks as materialized (
            select arrayJoin(if({{user:String}} = '', users, [{{user:String}}])) as user_id,
                   count() as total_conversations,
                   countIf(status = 'completed') as completed_conversations,
                   countIf(status = 'abandoned') as abandoned_conversations,
                   avgOrNull(seconds) as avg_session_duration,
                   sumMap(map(channel, toUInt64(channel != ''))) as channels,
                   sumMap(mapFromArrays(arrayDistinct(intents), arrayMap(one -> 1, arrayDistinct(intents)))) as wanted,
                   avgOrNullIf(liked, began >= {{middle:DateTime64(3, 'UTC')}})
                       - avgOrNullIf(liked, began < {{middle:DateTime64(3, 'UTC')}}) as satisfaction_trend
            from conversations_scope where notEmpty(users) group by user_id
            order by total_conversations desc, user_id limit {{most:UInt32}})
        select * from talks inner join ({MEASURED}) as done on talks.user_id = done.learner
        order by total_conversations desc, user_id
        """
    purpose: ClassVar[Purpose] = "prediction"

    def scope(self, when: When) -> Scope:
        """Everything that everyone did up to now; conversations of the period."""
        period, ever = super().scope(when), when.ever()
        return dataclasses.replace(ever, users=period.users, talks_since=period.begin)

    def bound(self, when: When) -> dict[str, Any]:
        """Where the period begins, and its middle; no user is an empty one."""
        begin = when.now - timedelta(days=self.days) + MILLISECOND
        middle = when.now - timedelta(days=self.days) / 2
        windows = {"window_begin": begin, "velocity_begin": begin}
        return super().bound(when) | windows | {"middle": middle, "user": self.user or ""}

    def rows(self, found: Sequence[dict[str, Any]], when: When) -> list[BehaviorOfUser]:
        """Row for row."""
        return [self._row(row, when) for row in found]

    def _row(self, row: dict[str, Any], when: When) -> BehaviorOfUser:
        measures = Measures(**{name: row[name] for name in MEASURES})
        channels = _ranked(row["channels"])
        own = {name: row[name] for name in BehaviorOfUser.model_fields if name in row}
        return BehaviorOfUser(
            **own | {"avg_session_duration": row["avg_session_duration"] or 0.0},
            tenant_id=when.tenant,
            period_start=when.now - timedelta(days=self.days) + MILLISECOND,
            period_end=when.now,
            preferred_channel=channels[0] if channels else "",
            most_common_intents=_ranked(row["wanted"])[:MOST_INTENTS],
            engagement_score=engagement_score(measures, self.days),
            churn_risk=(risk_in_hundredths(measures, when.now) or 0) / 100,
        )


def _ranked(counts: Mapping[str, int]) -> list[str]:
    """What was counted, the most frequent first, by name where two are equally frequent."""
    return sorted((name for name, count in counts.items() if count), key=lambda name: (-counts[name], name))
