"""Conversation flows: which ways conversations take, from intent to intent."""

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from rollbook.analyses.chart import Bars, Chart
from rollbook.analyses.conversations.conversation import GROUPED, PatternQuestion, crowd_of
from rollbook.analyses.conversations.evidence import wilson
from rollbook.analyses.conversations.trend import Trend, with_trends
from rollbook.analyses.crowd import Crowd
from rollbook.analyses.question import When

PATH = "arrayStringConcat(arraySlice(intents, 1, {steps:UInt32}), ' > ')"


class Flow(Trend):
    """The conversations that took one way."""

    path: str = Field(description="Intents in the order in which they came up, each of a row of the same once.")
    share: float = Field(description="Of all conversations, those without intents too.")
    mean_duration_seconds: float | None
    completion_low: float | None = Field(description="Where the 95 % interval of the completion rate begins (Wilson).")
    completion_high: float | None = Field(description="Where it ends.")


class ConversationFlows(PatternQuestion[Flow]):
    """Which ways do conversations take from intent to intent, which of them succeed, and which grow or decline?

    `by=common`: the most frequent first. `by=success`: those first that are completed most surely, by the lower end of
    the interval of their completion rate, so that one lucky conversation is no success path. Trends are tested over the
    1,000 most frequent ways.
    """

    steps: Annotated[int, Field(ge=1, le=20, description="The first N intents make the way.")] = 5
    by: Literal["common", "success"] = Field("common", description="What comes first: `common` or `success`.")
    most: Annotated[int, Field(ge=1, le=1000, description="Most ways.")] = 20

    sql: ClassVar[str] = f"""
        select {PATH} as path, {GROUPED},
               countIf(began < {{middle:DateTime64(3, 'UTC')}}) as earlier, conversations - earlier as later,
               sum(conversations) over () as all_conversations, sum(earlier) over () as all_earlier,
               sum(later) over () as all_later,
               conversations / all_conversations as share, avgOrNull(seconds) as mean_duration_seconds,
               countIf(status = 'completed') as all_completed, countIf(status != 'active') as all_over
        from conversations_scope group by path
        order by path = '', conversations desc, path limit 1001
        """
    crowd: ClassVar[Crowd] = crowd_of(
        *("path",),
        sql=f"select {PATH} as path, arrayJoin(persons) as person from conversations_scope",
        rates=("completion_low", "completion_high"),
    )
    chart: ClassVar[Chart] = Bars(x="path", y="conversations")

    def rows(self, found: Sequence[dict[str, Any]], when: When) -> list[Flow]:
        """The ways that have intents, sorted."""
        if not found or found[0]["all_conversations"] < self.min_conversations:
            return []
        ways = [row for row in found if row["path"]][:1000]
        surely = [wilson(row["all_completed"], row["all_over"]) if row["all_over"] else (None, None) for row in ways]
        flows = [
            Flow(**row, completion_low=low, completion_high=high)
            for row, (low, high) in zip(with_trends(ways), surely, strict=True)
        ]
        if self.by == "success":
            flows.sort(key=lambda flow: (-(flow.completion_low or 0.0), -flow.conversations, flow.path))
        return flows[: self.most]
