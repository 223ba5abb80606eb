"""Conversation sentiment: how people feel from the beginning of a conversation to its end."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from rollbook.analyses.conversations.conversation import ConversationQuestion
from rollbook.analyses.question import Answer, UserId, When
from rollbook.governance.consent import Purpose

NEGATIVE = -0.05
TURNED = 0.2
MOST_STEPS = 100


class SentimentOfConversation(Answer):
    """The sentiment of one conversation's user messages, -1 (negative) to 1 (positive)."""

    conversation_id: str
    user_id: str = Field(description='The first of its users by name; "" where nobody is known.')
    start_time: datetime
    completion_status: str
    scored_messages: int = Field(description="User messages that have a sentiment.")
    initial_sentiment: float = Field(description="Of the first of them.")
    final_sentiment: float = Field(description="Of the last.")
    change: float = Field(description="Final less initial.")
    direction: Literal["rising", "falling", "steady"] = Field(description="`steady`: changed by at most 0.2.")
    trajectory: list[float] = Field(description="Of each, in order; the first 100.")
    mean_sentiment: float
    negative_ratio: float = Field(description="Share at or below -0.05.")


class ConversationSentiment(ConversationQuestion[SentimentOfConversation]):
    """How do people feel at the beginning, in the course and at the end of their conversations?

    Of the users' messages that have a sentiment: the sender's own `sentiment`, or that of VADER, worked out at the way
    in from English text of people who allow `text`, and kept as a number when the text has expired. People who do not
    allow `text` are left out. The newest conversation first.
    """

    user: UserId | None = Field(None, description="Only conversations of this user.")
    most: Annotated[int, Field(ge=1, le=10_000, description="Most conversations.")] = 100

    sql: ClassVar[str] = """
        select conversation as conversation_id, if(empty(users), '', users[1]) as user_id, began as start_time,
               status as completion_status, felt
        from conversations_scope where notEmpty(felt)
        order by start_time desc, conversation_id limit {most:UInt32}
        """
    purpose: ClassVar[Purpose] = "text"

    def rows(self, found: Sequence[dict[str, Any]], when: When) -> list[SentimentOfConversation]:
        """Row for row."""
        return [SentimentOfConversation(**_course(row.pop("felt")), **row) for row in map(dict, found)]


def _course(felt: Sequence[float]) -> dict[str, Any]:
    change = felt[-1] - felt[0]
    return {
        "scored_messages": len(felt),
        "initial_sentiment": felt[0],
        "final_sentiment": felt[-1],
        "change": change,
        "direction": "rising" if change > TURNED else "falling" if change < -TURNED else "steady",
        "trajectory": felt[:MOST_STEPS],
        "mean_sentiment": sum(felt) / len(felt),
        "negative_ratio": sum(one <= NEGATIVE for one in felt) / len(felt),
    }
