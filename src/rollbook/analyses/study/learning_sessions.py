"""Learning sessions: document 2's table of sessions."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, ClassVar

from pydantic import Field

from rollbook.analyses.question import Answer, Question, When
from rollbook.analyses.study.amounts import COMPLETIONS, VIEWS
from rollbook.analyses.study.daily_activity_summary import MOST_DAYS, MOST_ROWS
from rollbook.analyses.study.sessions import SESSION, THREADS
from rollbook.store import Scope


class LearningSession(Answer):
    """One session."""

    session_id: str | None = Field(description="null: its events name none.")
    user_id: str | None = Field(description="null: nobody known.")
    started_at: datetime = Field(description="Its first start or end.")
    ended_at: datetime | None = Field(description="Its last end; null: it has none.")
    duration_minutes: float
    events: int = Field(description="Everything in it, its starts and ends too.")
    materials_viewed: int = Field(description="Distinct ones with an id.")
    materials_completed: int = Field(description="Distinct ones with an id.")
    xp_earned: int


class LearningSessions(Question[LearningSession]):
    """Which sessions were there, the newest first?

    Document 2's table `learning_sessions`. What a session is and how long it took is told at `learning_overview`.
    Events without a session id belong to the person's last start without one, until its end.
    """

    days: Annotated[int, Field(ge=1, le=MOST_DAYS, description="Calendar days, today included.")] = 1
    limit: Annotated[int, Field(ge=1, le=MOST_ROWS, description="Most rows.")] = 1_000

    sql: ClassVar[str] = f"""
        select any(session) as session_id, any(user) as user_id, {SESSION},
               count() as events,
               uniqExactIf(content, content != '' and type in {VIEWS}) as materials_viewed,
               uniqExactIf(content, content != '' and type in {COMPLETIONS}) as materials_completed,
               sum(xp) as xp_earned
        from ({THREADS})
        where inside
        group by thread
        having max(edge) and began >= {{begin:DateTime64(3, 'UTC')}}
        order by began desc, user_id = '', user_id, session_id = '', session_id
        limit {{limit:UInt32}}
        """

    def scope(self, when: When) -> Scope:
        """The days, and one before them, so that no session is taken for one that began later."""
        return when.calendar_days(self.days + 1)

    def bound(self, when: When) -> dict[str, Any]:
        """When the days begin, too."""
        return super().bound(when) | {"begin": when.calendar_days(self.days).begin}

    def rows(self, found: Sequence[dict[str, Any]], when: When) -> list[LearningSession]:
        """Row for row."""
        return [_session(row) for row in map(dict, found)]


def _session(row: dict[str, Any]) -> LearningSession:
    return LearningSession(
        session_id=row.pop("session_id") or None,
        user_id=row.pop("user_id") or None,
        started_at=row.pop("began"),
        ended_at=row.pop("ended"),
        duration_minutes=row.pop("seconds") / 60,
        **row,
    )
