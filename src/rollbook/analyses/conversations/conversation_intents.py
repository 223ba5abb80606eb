"""Conversation intents: what people want, and what they want more and more."""

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar

from pydantic import Field

from rollbook.analyses.chart import Bars, Chart
from rollbook.analyses.conversations.conversation import GROUPED, PatternQuestion, crowd_of
from rollbook.analyses.conversations.trend import Trend, with_trends
from rollbook.analyses.crowd import Crowd
from rollbook.analyses.question import When

INTENT = "arrayJoin(arrayDistinct(intents)) as intent"


class IntentShare(Trend):
    """The conversations in which one intent came up."""

    intent: str
    share: float = Field(description="Of all conversations; several intents may come up in one.")
    mean_duration_seconds: float | None
    satisfaction: float | None = Field(description="0 to 1, mean of the rated conversations.")


class ConversationIntents(PatternQuestion[IntentShare]):
    """Which intents come up, how do their conversations go, and which grow or decline?

    The most frequent first. An intent grows if its share of the conversations that began in the second half of the
    period is larger than in the first by more than chance, after correction for how many intents are shown.
    """

    most: Annotated[int, Field(ge=1, le=1000, description="Most intents.")] = 50

    sql: ClassVar[str] = f"""
        select {INTENT}, {GROUPED},
               countIf(began < {{middle:DateTime64(3, 'UTC')}}) as earlier, conversations - earlier as later,
               any(total) as all_conversations, any(total_earlier) as all_earlier,
               all_conversations - all_earlier as all_later,
               conversations / all_conversations as share, avgOrNull(seconds) as mean_duration_seconds,
               avgOrNull(liked) as satisfaction
        from (select *, count() over () as total,
                     countIf(began < {{middle:DateTime64(3, 'UTC')}}) over () as total_earlier from conversations_scope)
        group by intent order by conversations desc, intent limit {{most:UInt32}}
        """
    crowd: ClassVar[Crowd] = crowd_of(
        "intent", sql=f"select {INTENT}, arrayJoin(persons) as person from conversations_scope"
    )
    chart: ClassVar[Chart] = Bars(x="intent", y="conversations")

    def rows(self, found: Sequence[dict[str, Any]], when: When) -> list[IntentShare]:
        """Row for row, where there are enough conversations."""
        if not found or found[0]["all_conversations"] < self.min_conversations:
            return []
        return [IntentShare(**row) for row in with_trends(found)]
