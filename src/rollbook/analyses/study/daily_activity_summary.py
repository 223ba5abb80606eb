"""Daily activity summary: document 2's table of what everybody did on each day."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any, ClassVar

from pydantic import Field

from rollbook.analyses.question import Answer, Question, When
from rollbook.analyses.study.amounts import COMPLETIONS, PASSIVE, VIEWS, XP
from rollbook.analyses.study.sessions import SESSION, THREADS
from rollbook.store import Scope

MOST_DAYS = 366
MOST_ROWS = 100_000


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

    # a session counts on the day on which it began, events on their own
    sql: ClassVar[str] = f"""
        select max(name) as user, day, sum(acts) as activity_count, sum(begun) as sessions,
               sum(took) / 60 as duration_minutes, sum(viewed) as materials_viewed,
               sum(completed) as materials_completed, sum(earned) as xp_earned, sum(achieved) as achievements_earned,
               sum(messages) as ai_messages
        from (
            select any(user) as name, person, toDate(timestamp, {{zone:String}}) as day,
                   countIf(type not in {PASSIVE}) as acts, 0 as begun, 0 as took,
                   uniqExactIf(content, content != '' and type in {VIEWS}) + countIf(content = '' and type in {VIEWS})
                       as viewed,
                   uniqExactIf(content, content != '' and type in {COMPLETIONS})
                       + countIf(content = '' and type in {COMPLETIONS}) as completed,
                   sum({XP}) as earned, countIf(type = 'achievement_earned') as achieved,
                   countIf(type in ('ai_message_sent', 'ai_message_received')) as messages
            from scope
            where day >= {{first_day:Date}} and person != sipHash64('')
            group by person, day
            union all
            select '', whose, toDate(began, {{zone:String}}) as day, 0, count(), sum(seconds), 0, 0, 0, 0, 0
            from (select any(person) as whose, {SESSION} from ({THREADS}) group by thread having max(edge))
            where day >= {{first_day:Date}}
            group by whose, day)
        group by person, day
        having activity_count > 0
        order by day desc, user
        limit {{limit:UInt32}}
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
