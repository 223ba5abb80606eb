"""Conversation times: when people talk."""

from collections.abc import Sequence
from typing import Any, ClassVar

from pydantic import Field

from rollbook.analyses.chart import Chart, Heatmap
from rollbook.analyses.conversations.conversation import GROUPED, Group, PatternQuestion, crowd_of
from rollbook.analyses.crowd import Crowd
from rollbook.analyses.question import When


class HourOfTalk(Group):
    """The conversations that began in one hour of the week, on the clocks of the question's zone."""

    weekday: int = Field(description="1 is Monday, 7 is Sunday.")
    hour: int = Field(description="0 to 23.")
    index: float = Field(description="Conversations over those of an average hour of the week: 2 is twice as many.")


class ConversationTimes(PatternQuestion[HourOfTalk]):
    """In which hours of the week do conversations begin, and how do they go then?

    All 168 hours, Monday's first. Whether days and hours differ by more than chance, `conversation_patterns` says.
    """

    sql: ClassVar[str] = f"""
        select toDayOfWeek(began, 0, {{zone:String}}) as weekday, toHour(began, {{zone:String}}) as hour, {GROUPED}
        from conversations_scope group by weekday, hour
        """
    crowd: ClassVar[Crowd] = crowd_of(
        *("weekday", "hour"),
        sql="select toDayOfWeek(began, 0, {zone:String}) as weekday, toHour(began, {zone:String}) as hour,"
        " arrayJoin(persons) as person from conversations_scope",
    )
    chart: ClassVar[Chart] = Heatmap(x="hour", y="weekday", color="conversations")

    def rows(self, found: Sequence[dict[str, Any]], when: When) -> list[HourOfTalk]:
        """All hours, those without conversations too."""
        total = sum(row["conversations"] for row in found)
        if total < self.min_conversations:
            return []
        known = {(row["weekday"], row["hour"]): row for row in found}
        nothing = {"conversations": 0, "people": 0, "people_completed": 0, "completion_rate": None}
        return [
            HourOfTalk(**{"weekday": weekday, "hour": hour} | row, index=row["conversations"] * 168 / total)
            for weekday in range(1, 8)
            for hour in range(24)
            for row in (known.get((weekday, hour), nothing),)
        ]
