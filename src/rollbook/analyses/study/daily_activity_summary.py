"""Daily activity summary: document 2's table of what everybody did on each day."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any, ClassVar

from pydantic import Field

from rollbook.analyses.question import Answer, Question, When
from rollbook.analyses.study.amounts import COMPLETIONS, PASSIVE, VIEWS
from rollbook.analyses.study.sessions import SESSIONS
from rollbook.store import Scope

MOST_DAYS = 366
MOST_ROWS = 100_000

# of each person and day, as the tables and the heatmap show it; a session counts on the day on which it began
OF_A_DAY = f"""
    select user, toDate(timestamp, {{zone:String}}) as day,
           countIf(type not in {PASSIVE}) as activity_count,
           countIf(opens) as sessions, sumIf(seconds, opens) / 60 as duration_minutes,
           uniqExactIf(content, content != '' and type in {VIEWS}) + countIf(content = '' and type in {VIEWS})
               as materials_viewed,
           uniqExactIf(content, content != '' and type in {COMPLETIONS})
               + countIf(content = '' and type in {COMPLETIONS}) as materials_completed,
           sum(xp) as xp_earned,
           countIf(type = 'achievement_earned') as achievements_earned,
           countIf(type in ('ai_message_sent', 'ai_message_received')) as ai_messages
    from ({SESSIONS})
    where day >= {{first_day:Date}}
    group by user, day
"""


class DayOfPerson(Answer):
    """What one person did on one calendar day."""

    user_id: str
    date: date
    activity_count: int = Field(description="Events but for `streak_update`, `api_request`, `api_error`.")
    sessions: int = Field(description="Sessions that began on the day.")
    duration_minutes: float = Field(description="How long those took together.")
    materials_viewed: int
    materials_completed: int
    xp_earned: int
    achievements_earned: int
    ai_messages: int = Field(description="To and from the AI coach.")


class DailyActivitySummary(Question[DayOfPerson]):
    """What did everybody do on each of the last days?

    Document 2's table `daily_activity_summary`, the newest day first, then by user. What counts as a session, a
    material and XP is told at `learning_overview`; here a session that began before the day before the first is cut.
    """

    days: Annotated[int, Field(ge=1, le=MOST_DAYS, description="Calendar days, today included.")] = 1
    limit: Annotated[int, Field(ge=1, le=MOST_ROWS, description="Most rows.")] = 1_000

    sql: ClassVar[str] = f"""
        select * from ({OF_A_DAY}) where activity_count > 0 and user != ''
        order by day desc, user limit {{limit:UInt32}}
        """

    def scope(self, when: When) -> Scope:
        """The days, and one before them, in which their sessions may have begun."""
        return when.calendar_days(self.days + 1)

    def bound(self, when: When) -> dict[str, Any]:
        """The first day, too."""
        return super().bound(when) | {"first_day": first_day(self.days, when)}

    def rows(self, found: Sequence[dict[str, Any]], when: When) -> list[DayOfPerson]:
        """Row for row."""
        return [DayOfPerson(user_id=row.pop("user"), date=row.pop("day"), **row) for row in map(dict, found)]


def first_day(days: int, when: When) -> date:
    """The first of so many calendar days that end with today."""
    return date.fromordinal(when.today.toordinal() - days + 1)
