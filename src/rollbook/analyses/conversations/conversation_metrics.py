"""Conversation metrics: document 5's figures of every single conversation."""

from datetime import datetime
from typing import Annotated, Any, ClassVar

from pydantic import Field

from rollbook.analyses.conversations.conversation import ConversationQuestion
from rollbook.analyses.question import Answer, UserId, When


class MetricsOfConversation(Answer):
    """One conversation, in the fields of document 5's `ConversationMetrics`."""

    conversation_id: str
    tenant_id: str
    start_time: datetime = Field(description="Its first message or lifecycle event.")
    end_time: datetime | None = Field(description="Null while it is active.")
    duration_seconds: int | None = Field(description="From start to end, in whole seconds.")
    message_count: int
    user_messages: int
    bot_messages: int
    intent_changes: int = Field(description="How often an intent other than the one before came up.")
    unique_intents: list[str] = Field(description="In the order in which they came up.")
    completion_status: str = Field(description="`completed`, `escalated`, `abandoned`, `ended` or `active`.")
    satisfaction_score: float | None = Field(description="0 to 1, the mean of its ratings; null: it has none.")
    error_count: int
    avg_response_time_ms: float | None = Field(description="Null: no bot's message came right after a user's.")
    total_cost_cents: float
    channel: str = Field(description='"" where no event of it names one.')
    user_segment: str | None


class ConversationMetrics(ConversationQuestion[MetricsOfConversation]):
    """How did each conversation go: length, messages, intents, end, satisfaction, errors, response time and cost?

    The newest first. What counts as a conversation, a message, an end, a rating, an error and a response is defined in
    the guide to conversations (docs/guides/conversations.md).
    """

    user: UserId | None = Field(None, description="Only those with an event of this user, as that user's events tell.")
    conversation: Annotated[str, Field(max_length=1024, description="Only this one; empty: all.")] = ""
    most: Annotated[int, Field(ge=1, le=10_000, description="Most conversations.")] = 100

    sql: ClassVar[str] = """
        select conversation as conversation_id, {tenant:String} as tenant_id, began as start_time, ended as end_time,
               seconds as duration_seconds, user_messages + bot_messages as message_count, user_messages, bot_messages,
               greatest(length(intents), 1) - 1 as intent_changes, arrayDistinct(intents) as unique_intents,
               status as completion_status, liked as satisfaction_score, errors as error_count,
               if(empty(waits), null, arrayAvg(waits)) as avg_response_time_ms, cost_cents as total_cost_cents,
               channel, nullIf(segment, '') as user_segment
        from conversations_scope
        where {conversation:String} = '' or conversation = {conversation:String}
        order by start_time desc, conversation_id
        limit {most:UInt32}
        """

    def bound(self, when: When) -> dict[str, Any]:
        """The tenant, for the answer."""
        return super().bound(when) | {"tenant": when.tenant}
