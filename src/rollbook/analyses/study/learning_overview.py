"""Learning overview: document 2's figures of one person."""

from collections.abc import Sequence
from typing import Any, ClassVar

from pydantic import Field

from rollbook.analyses.gamification.progress import STREAK, ProgressQuestion
from rollbook.analyses.question import Answer, When
from rollbook.analyses.study.amounts import COMPLETIONS, VIEWS
from rollbook.analyses.study.sessions import SESSIONS


class OverviewOfLearner(Answer):
    """One person's learning in the period, and where they stand now."""

    user_id: str
    period_days: int
    total_sessions: int = Field(description="Sessions that began in the period.")
    total_duration_minutes: float = Field(description="How long those took together.")
    average_session_minutes: float
    materials_viewed: int = Field(description="Distinct materials viewed in the period.")
    materials_completed: int = Field(description="Distinct materials completed in the period.")
    xp_earned: int = Field(description="XP of the period.")
    total_xp: int = Field(description="XP ever earned.")
    current_level: int = Field(description="By the curve, from 1.")
    current_streak: int = Field(description="Days in a row, up to today or yesterday.")
    longest_streak: int
    achievements_earned: int = Field(description="Distinct achievements of the period.")
    total_achievements: int = Field(description="Distinct achievements ever earned.")


class LearningOverview(ProgressQuestion[OverviewOfLearner]):
    """How much did this person learn in the last days, and where do they stand?

    A session has a `session_start` or `session_end`; see the guide for how events without a session id find theirs. A
    material is viewed by `material_view`, `content_view`, `content_start`, `video_play`, completed by
    `material_complete`, `content_completion`, `completion`; it counts once by its id, without one each time. XP is the
    `xp_amount` of `xp_earned`; the level follows from all XP ever by the curve. An achievement counts once by its
    `achievement_id`. The streak is that of days with any event but `streak_update`, `api_request`, `api_error`; a
    reported one (`streak_days` of `streak_update`) takes its place while it is newer. The empty user is what nobody
    known did.
    """

    sql: ClassVar[str] = f"""
        select countIf(opens and began >= {{begin:DateTime64(3, 'UTC')}}) as total_sessions,
               sumIf(seconds, opens and began >= {{begin:DateTime64(3, 'UTC')}}) as seconds,
               uniqExactIf(content, content != '' and type in {VIEWS} and recent)
                   + countIf(content = '' and type in {VIEWS} and recent) as materials_viewed,
               uniqExactIf(content, content != '' and type in {COMPLETIONS} and recent)
                   + countIf(content = '' and type in {COMPLETIONS} and recent) as materials_completed,
               sumIf(xp, recent) as xp_earned, sum(xp) as total_xp,
               uniqExactIf(achievement, achievement != '' and recent)
                   + countIf(type = 'achievement_earned' and achievement = '' and recent) as achievements_earned,
               uniqExactIf(achievement, achievement != '')
                   + countIf(type = 'achievement_earned' and achievement = '') as total_achievements,
               {STREAK}
        from (
            select *, timestamp >= {{begin:DateTime64(3, 'UTC')}} as recent from ({SESSIONS}))
        """

    def rows(self, found: Sequence[dict[str, Any]], when: When) -> list[OverviewOfLearner]:
        """One row."""
        (row,) = map(dict, found)
        reached = self.progress(row, when)
        minutes, sessions = row.pop("seconds") / 60, row["total_sessions"]
        row["total_xp"] = max(0, row["total_xp"])
        return [
            OverviewOfLearner(
                user_id=self.user,
                period_days=self.days,
                total_duration_minutes=minutes,
                average_session_minutes=minutes / sessions if sessions else 0.0,
                current_level=reached.level.number,
                current_streak=reached.streak.current,
                longest_streak=reached.streak.longest,
                **row,
            )
        ]
