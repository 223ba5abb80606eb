"""Conversation channels: how conversations go on each channel."""

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar

from pydantic import Field

from rollbook.analyses.chart import Bars, Chart
from rollbook.analyses.conversations.conversation import GROUPED, Group, PatternQuestion, crowd_of
from rollbook.analyses.conversations.evidence import wilson
from rollbook.analyses.crowd import Crowd
from rollbook.analyses.question import When


class ChannelPerformance(Group):
    """The conversations on one channel."""

    channel: str = Field(description='"" where none was told.')
    share: float = Field(description="Of all conversations.")
    completion_low: float | None = Field(description="Where the 95 % interval of the completion rate begins (Wilson).")
    completion_high: float | None = Field(description="Where it ends.")
    mean_duration_seconds: float | None
    messages_per_conversation: float
    avg_response_time_ms: float | None = Field(description="Over all responses.")
    satisfaction: float | None = Field(description="0 to 1, mean of the rated conversations.")
    escalation_rate: float = Field(description="Conversations that were escalated over all.")
    errors_per_conversation: float
    cost_cents_per_conversation: float


class ConversationChannels(PatternQuestion[ChannelPerformance]):
    """How do conversations go on each channel: completion, length, responses, satisfaction, errors and cost?

    The busiest first. A conversation's channel is the first that an event of it names.
    """

    most: Annotated[int, Field(ge=1, le=1000, description="Most channels.")] = 50

    sql: ClassVar[str] = f"""
        select channel, {GROUPED},
               sum(conversations) over () as all_conversations, conversations / all_conversations as share,
               countIf(status = 'completed') as all_completed, countIf(status != 'active') as all_over,
               avgOrNull(seconds) as mean_duration_seconds,
               avg(user_messages + bot_messages) as messages_per_conversation,
               sum(arraySum(waits)) / nullIf(sum(length(waits)), 0) as avg_response_time_ms,
               avgOrNull(liked) as satisfaction, countIf(escalated) / conversations as escalation_rate,
               sum(errors) / conversations as errors_per_conversation,
               sum(cost_cents) / conversations as cost_cents_per_conversation
        from conversations_scope group by channel order by conversations desc, channel limit {{most:UInt32}}
        """
    crowd: ClassVar[Crowd] = crowd_of(
        *("channel",),
        sql="select channel, arrayJoin(persons) as person from conversations_scope",
        rates=("completion_low", "completion_high"),
    )
    chart: ClassVar[Chart] = Bars(x="channel", y="conversations")

    def rows(self, found: Sequence[dict[str, Any]], when: When) -> list[ChannelPerformance]:
        """Row for row, where there are enough conversations."""
        if not found or found[0]["all_conversations"] < self.min_conversations:
            return []
        return [self._row(row) for row in found]

    def _row(self, row: dict[str, Any]) -> ChannelPerformance:
        low, high = wilson(row["all_completed"], row["all_over"]) if row["all_over"] else (None, None)
        shown = {name: value for name, value in row.items() if not name.startswith("all_")}
        return ChannelPerformance(**shown, completion_low=low, completion_high=high)
