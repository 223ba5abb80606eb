"""Conversation outcomes: how conversations end."""

from typing import ClassVar

from pydantic import Field

from rollbook.analyses.chart import Bars, Chart
from rollbook.analyses.conversations.conversation import ConversationQuestion
from rollbook.analyses.crowd import Crowd
from rollbook.analyses.question import Answer


class Outcome(Answer):
    """The conversations that ended in one way."""

    status: str = Field(description="`completed`, `escalated`, `abandoned`, `ended` or `active`.")
    conversations: int
    people: int = Field(description="Distinct people who took part in them.")
    share: float = Field(description="Of all conversations.")
    mean_duration_seconds: float | None
    messages_per_conversation: float


class ConversationOutcomes(ConversationQuestion[Outcome]):
    """How do conversations end: completed, escalated, abandoned, or simply by silence?

    The last end of a conversation counts. Without one it is `active` until the timeout, and `abandoned` afterwards;
    conversations that have only messages to and from a coach (`ai_message_…`), which has no ends, are `ended` then.
    """

    sql: ClassVar[str] = """
        select status, count() as conversations, uniqExactArray(persons) as people,
               conversations / sum(conversations) over () as share,
               avgOrNull(seconds) as mean_duration_seconds,
               avg(user_messages + bot_messages) as messages_per_conversation
        from conversations_scope group by status order by conversations desc, status
        """
    crowd: ClassVar[Crowd] = Crowd(
        "select status, arrayJoin(persons) as person from conversations_scope", keys=("status",)
    )
    chart: ClassVar[Chart] = Bars(x="status", y="conversations")
