"""Conversation drop-off: where conversations are given up."""

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar

from pydantic import Field

from rollbook.analyses.chart import Bars, Chart
from rollbook.analyses.conversations.conversation import PatternQuestion
from rollbook.analyses.crowd import Crowd
from rollbook.analyses.question import Answer, When

INTENT = "arrayJoin(if(empty(intents), [''], arrayDistinct(intents))) as intent"


class DropOff(Answer):
    """One intent, and who gives up at it."""

    intent: str = Field(description='"" for conversations without any.')
    conversations: int = Field(description="Those in which it came up, and that are over.")
    people: int = Field(description="Distinct people who took part in them.")
    dropped: int | None = Field(description="Those of them that were abandoned with this as the last intent.")
    people_dropped: int | None = Field(description="Distinct people who took part in these.")
    drop_off_rate: float | None = Field(description="Dropped over conversations.")
    median_messages: float | None = Field(description="Messages before the end of those dropped; null: there are none.")


class ConversationDropOff(PatternQuestion[DropOff]):
    """At which intents are conversations abandoned?

    Where most are given up comes first. A conversation is given up at the last intent that came up in it.
    """

    most: Annotated[int, Field(ge=1, le=1000, description="Most intents.")] = 20

    sql: ClassVar[str] = f"""
        select intent, count() as conversations, uniqExactArray(persons) as people,
               countIf(gone) as dropped, uniqExactArrayIf(persons, gone) as people_dropped,
               dropped / conversations as drop_off_rate,
               quantileExactInclusiveOrNullIf(0.5)(messages, gone) as median_messages, any(total) as all_conversations
        from (
            select {INTENT}, persons, status, total, user_messages + bot_messages as messages,
                   status = 'abandoned' and (empty(intents) or intents[-1] = intent) as gone
            from (select *, count() over () as total from conversations_scope))
        where status != 'active'
        group by intent order by dropped desc, conversations desc, intent limit {{most:UInt32}}
        """
    crowd: ClassVar[Crowd] = Crowd(
        f"select {INTENT}, arrayJoin(persons) as person from conversations_scope where status != 'active'",
        keys=("intent",),
        counts={"people_dropped": "people"},
        rates=dict.fromkeys(("dropped", "drop_off_rate", "median_messages"), ("people_dropped", "people")),
        optional=("people_dropped",),
    )
    chart: ClassVar[Chart] = Bars(x="intent", y="dropped")

    def rows(self, found: Sequence[dict[str, Any]], when: When) -> list[DropOff]:
        """Row for row, where there are enough conversations."""
        if not found or found[0]["all_conversations"] < self.min_conversations:
            return []
        return [DropOff(**{name: row[name] for name in DropOff.model_fields}) for row in found]
