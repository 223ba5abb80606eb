"""Conversation patterns: whether there are enough conversations to see any, and the figures of them all."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from pydantic import Field

from rollbook.analyses.conversations.conversation import GROUPED, PEOPLE, Group, PatternQuestion
from rollbook.analyses.conversations.evidence import unlike
from rollbook.analyses.crowd import Crowd
from rollbook.analyses.question import When
from rollbook.store.scope import DAY, MILLISECOND, start_of

FORTNIGHT = 14


class Patterns(Group):
    """All conversations of a period. Where they are too few, what is not a count is null."""

    enough: bool = Field(description="Whether there are `min_conversations`.")
    note: str = Field(description="What is missing, in words; empty: nothing.")
    mean_duration_seconds: float | None = Field(description="Of those that are over.")
    median_duration_seconds: float | None
    messages_per_conversation: float | None
    avg_response_time_ms: float | None = Field(description="Over all responses.")
    satisfaction: float | None = Field(description="0 to 1, mean of the rated conversations.")
    peak_weekday: int | None = Field(description="The day on which most begin, 1 is Monday; the first of several.")
    peak_hour: int | None = Field(description="The hour in which most begin, 0 to 23; the first of several.")
    weekday_p_value: float | None = Field(
        description="Chi-square test against as many on each day; null: the period is shorter than two weeks."
    )
    hour_p_value: float | None = Field(description="Chi-square test against as many in each hour.")


NULLS = (
    "completion_rate", "mean_duration_seconds", "median_duration_seconds", "messages_per_conversation",
    "avg_response_time_ms", "satisfaction", "peak_weekday", "peak_hour", "weekday_p_value", "hour_p_value",
)  # fmt: skip


class ConversationPatterns(PatternQuestion[Patterns]):
    """Are there enough conversations to see patterns, and how do they go altogether?

    One row. Where there are fewer than `min_conversations` it says so, and the questions about patterns
    (`conversation_times`, `conversation_flows`, `conversation_drop_off`, `conversation_intents`,
    `conversation_channels`, `conversation_correlations`) have no rows.
    """

    sql: ClassVar[str] = f"""
        select {GROUPED},
               avgOrNull(seconds) as mean_duration_seconds, quantileExactInclusiveOrNull(0.5)(seconds)
                   as median_duration_seconds,
               avgOrNull(user_messages + bot_messages) as messages_per_conversation,
               sum(arraySum(waits)) / nullIf(sum(length(waits)), 0) as avg_response_time_ms,
               avgOrNull(liked) as satisfaction,
               sumForEach(arrayMap(n -> toUInt64(n = toDayOfWeek(began, 0, {{zone:String}})), range(1, 8))) as weekdays,
               sumForEach(arrayMap(n -> toUInt64(n = toHour(began, {{zone:String}})), range(24))) as hours
        from conversations_scope
        """
    crowd: ClassVar[Crowd] = Crowd(
        PEOPLE,
        counts={"people": "", "people_completed": "people"},
        rates={"completion_rate": ("people_completed", "people")},
        optional=("people_completed",),
    )

    def rows(self, found: Sequence[dict[str, Any]], when: When) -> list[Patterns]:
        """One row."""
        row = dict(found[0])
        weekdays, hours = row.pop("weekdays"), row.pop("hours")
        enough = row["conversations"] >= self.min_conversations
        if not enough:
            few = f"{row['conversations']} conversations in {self.days} days; patterns need {self.min_conversations}"
            return [Patterns(**row | dict.fromkeys(NULLS), enough=False, note=few)]
        peaks = {
            "peak_weekday": weekdays.index(max(weekdays)) + 1,
            "peak_hour": hours.index(max(hours)),
            "weekday_p_value": unlike(weekdays, self._evenly(sum(weekdays), when)) if self.days >= FORTNIGHT else None,
            "hour_p_value": unlike(hours, [sum(hours) / 24] * 24),
        }
        return [Patterns(**row | peaks, enough=True, note="")]

    def _evenly(self, conversations: int, when: When) -> list[float]:
        """How many would begin on each weekday if all moments of the period were alike."""
        begin, end = when.now - timedelta(days=self.days % 7) + MILLISECOND, when.now + MILLISECOND
        spans = [self.days // 7 * DAY] * 7
        day = begin.astimezone(ZoneInfo(when.zone)).date()
        while (start := start_of(day, when.zone)) < end:
            spans[day.weekday()] += min(end, start_of(day + DAY, when.zone)) - max(begin, start)
            day += DAY
        return [conversations * (span / (self.days * DAY)) for span in spans]
