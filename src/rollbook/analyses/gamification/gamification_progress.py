"""Gamification progress: document 2's XP, level, achievements and streak of one person."""

from collections.abc import Sequence
from datetime import date, datetime
from itertools import accumulate
from typing import Any, ClassVar

from pydantic import BaseModel, Field

from rollbook.analyses.gamification.progress import STREAK, ProgressQuestion, moment
from rollbook.analyses.question import Answer, When
from rollbook.analyses.study.amounts import ACHIEVEMENT, REPORTED, XP
from rollbook.store.scope import DAY

MOST_ACHIEVEMENTS = 1_000


class Achievement(BaseModel):
    """An achievement, when it was first earned."""

    achievement_id: str | None = Field(description="null: the event names none.")
    earned_at: datetime


class XpOfDay(BaseModel):
    """The XP of a calendar day, and all up to its end."""

    date: date
    xp_earned: int
    total_xp: int


class ProgressOfPerson(Answer):
    """One person's XP, level, achievements and streak."""

    user_id: str
    period_days: int
    current_xp: int = Field(description="XP ever earned.")
    current_level: int
    level_xp: int = Field(description="XP at which the level began.")
    next_level_xp: int = Field(description="XP at which the next level begins.")
    xp_to_next_level: int
    progress_to_next_level: float = Field(description="0 to 1, of the way from this level to the next.")
    xp_earned: int = Field(description="XP of the period.")
    current_streak: int
    longest_streak: int
    total_achievements: int = Field(description="Distinct achievements ever earned.")
    achievements: list[Achievement] = Field(description="Those of the period, the newest first; at most 1,000.")
    xp_trend: list[XpOfDay] = Field(description="Every day of the period.")


class GamificationProgress(ProgressQuestion[ProgressOfPerson]):
    """How far has this person come: XP, level, the way to the next, achievements, streak?

    XP is the `xp_amount` of `xp_earned`, rounded to whole numbers; it may be negative, and a person never has less than
    none. The level follows from all XP ever by the curve. An achievement is in the history of the period in which it
    was first earned, by its `achievement_id`; without one each is one more. For the streak see `learning_overview`.
    """

    sql: ClassVar[str] = f"""
        select sum(xp) as total_xp,
               sumMapIf(map(day, xp), type = 'xp_earned' and timestamp >= {{begin:DateTime64(3, 'UTC')}}) as xp_days,
               minMapIf(map(achievement, at), type = 'achievement_earned' and achievement != '') as earned,
               groupArrayIf({MOST_ACHIEVEMENTS * 100})(at, type = 'achievement_earned' and achievement = '') as unnamed,
               {STREAK}
        from (
            select type, timestamp, toUnixTimestamp64Milli(timestamp) as at, toDate(timestamp, {{zone:String}}) as day,
                   {XP} as xp, {ACHIEVEMENT} as achievement, {REPORTED} as reported
            from scope)
        """

    def rows(self, found: Sequence[dict[str, Any]], when: When) -> list[ProgressOfPerson]:
        """One row."""
        (row,) = map(dict, found)
        reached = self.progress(row, when)
        level, current, trend = reached.level, max(0, row["total_xp"]), self._trend(row, when)
        return [
            ProgressOfPerson(
                user_id=self.user,
                period_days=self.days,
                current_xp=current,
                current_level=level.number,
                level_xp=level.begins,
                next_level_xp=level.next,
                xp_to_next_level=max(0, level.next - current),
                progress_to_next_level=min(1.0, (current - level.begins) / (level.next - level.begins)),
                xp_earned=sum(day.xp_earned for day in trend),
                current_streak=reached.streak.current,
                longest_streak=reached.streak.longest,
                total_achievements=len(row["earned"]) + len(row["unnamed"]),
                achievements=self._achievements(row, when),
                xp_trend=trend,
            )
        ]

    def _trend(self, row: dict[str, Any], when: When) -> list[XpOfDay]:
        days = [when.today - back * DAY for back in reversed(range(self.days))]
        earned = [row["xp_days"].get(day, 0) for day in days]
        totals = accumulate(earned, initial=row["total_xp"] - sum(earned))
        next(totals)
        return [
            XpOfDay(date=day, xp_earned=xp, total_xp=max(0, total))
            for day, xp, total in zip(days, earned, totals, strict=True)
        ]

    def _achievements(self, row: dict[str, Any], when: When) -> list[Achievement]:
        begin = when.calendar_days(self.days).begin
        named = [(moment(at), name) for name, at in row["earned"].items()]
        dated = [one for one in (*named, *((moment(at), "") for at in row["unnamed"])) if one[0] >= begin]
        newest = sorted(dated, reverse=True)[:MOST_ACHIEVEMENTS]
        return [Achievement(achievement_id=name or None, earned_at=at) for at, name in newest]
