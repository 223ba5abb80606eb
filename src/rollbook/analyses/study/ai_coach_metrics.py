"""AI coach metrics: document 2's table of who talked with the AI coach, and how they liked it."""

from datetime import date
from typing import Annotated, ClassVar

from pydantic import Field

from rollbook.analyses.question import Answer, Question, When
from rollbook.analyses.study.daily_activity_summary import MOST_DAYS, MOST_ROWS
from rollbook.store import Scope


class CoachingOfDay(Answer):
    """One person's messages and ratings of one calendar day."""

    date: date
    user_id: str
    messages_sent: int
    messages_received: int
    average_response_ms: float | None = Field(description="Mean `latency_ms` of the messages received.")
    ratings: int = Field(description="Ratings that have a number.")
    average_rating: float | None = Field(description="Mean `rating`.")


class AiCoachMetrics(Question[CoachingOfDay]):
    """How much did everybody talk with the AI coach on each of the last days, and how did they rate it?

    Document 2's table `ai_coach_metrics`: `ai_message_sent`, `ai_message_received` with their `latency_ms`, and
    `ai_feedback_rated` with its `rating`; the newest day first, then by user.
    """

    days: Annotated[int, Field(ge=1, le=MOST_DAYS, description="Calendar days, today included.")] = 7
    limit: Annotated[int, Field(ge=1, le=MOST_ROWS, description="Most rows.")] = 1_000

    sql: ClassVar[str] = """
        select toDate(timestamp, {zone:String}) as date, user as user_id,
               countIf(type = 'ai_message_sent') as messages_sent,
               countIf(type = 'ai_message_received') as messages_received,
               avgOrNullIf(latency, type = 'ai_message_received' and isFinite(latency) and latency >= 0)
                   as average_response_ms,
               countIf(type = 'ai_feedback_rated' and isFinite(rating)) as ratings,
               avgOrNullIf(rating, type = 'ai_feedback_rated' and isFinite(rating)) as average_rating
        from (
            select timestamp, user, type,
                   if(type = 'ai_message_received', JSONExtract(measured, 'latency_ms', 'Nullable(Float64)'), null)
                       as latency,
                   if(type = 'ai_feedback_rated', JSONExtract(measured, 'rating', 'Nullable(Float64)'), null)
                       as rating
            from scope
            where type in ('ai_message_sent', 'ai_message_received', 'ai_feedback_rated') and user != '')
        group by date, user
        order by date desc, user
        limit {limit:UInt32}
        """

    def scope(self, when: When) -> Scope:
        """The days."""
        return when.calendar_days(self.days)
