"""Gamification stats: document 2's table of everybody's XP, level, achievements and streak."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any, ClassVar, Self

from pydantic import Field

from rollbook.analyses.chart import Bars, Chart
from rollbook.analyses.gamification.progress import moment
from rollbook.analyses.gamification.streaks import Report, streak
from rollbook.analyses.question import Answer, Question, When
from rollbook.analyses.study.amounts import ACHIEVEMENT, PASSIVE, REPORTED, XP
from rollbook.settings import Settings
from rollbook.settings.curve import USUAL, CurveText, curve
from rollbook.store.intake.derived import EARNING
from rollbook.store.scope import DAY, start_of

MOST_PEOPLE = 10_000
PLAYS = str(EARNING)


class StatsOfPerson(Answer):
    """Where one person reached."""

    user_id: str
    total_xp: int
    current_level: int
    current_streak: int
    longest_streak: int
    total_achievements: int
    last_active: date | None = Field(description="Last day with an event but those that are no activity.")


class GamificationStats(Question[StatsOfPerson]):
    """Where does everybody stand: XP, level, streak, achievements? The most XP first.

    Document 2's table `gamification_stats`: everyone with an `xp_earned`, `achievement_earned`, `level_up` or
    `streak_update`, by the definitions of `gamification_progress`.
    """

    limit: Annotated[int, Field(ge=1, le=MOST_PEOPLE, description="Most people.")] = 1_000
    curve: CurveText | None = Field(None, description="Curve of levels; default: ROLLBOOK_LEVEL_CURVE.")

    # of who is shown, the days from the rollup and the moments of the last two days from the events, since a streak
    # that ended earlier is broken whatever was reported
    sql: ClassVar[str] = f"""
        with shown as materialized (
            select any(user) as user_id, person, sum(earned) as xp,
                   uniqExactIf(achievement, achievement != '')
                       + countIf(type = 'achievement_earned' and achievement = '') as total_achievements,
                   maxIf((at, reported), reported >= 0) as report, maxIf(reported, reported >= 0) as best
            from (
                select user, person, type, toUnixTimestamp64Milli(timestamp) as at, {XP} as earned,
                       {ACHIEVEMENT} as achievement, {REPORTED} as reported
                from scope
                where type in {PLAYS} and person != sipHash64(''))
            group by person
            order by xp desc, user_id
            limit {{limit:UInt32}})
        select user_id, xp, total_achievements, report, best, active.days as days, recent.dawns as dawns
        from shown
        left join (
            select person, groupArray(day) as days
            from (
                select person, day from activity_scope
                where type not in {PASSIVE} and person in (select person from shown)
                group by person, day having sum(events) > 0)
            group by person) as active using (person)
        left join (
            select person, minMap(map(toDate(timestamp, {{zone:String}}), toUnixTimestamp64Milli(timestamp))) as dawns
            from scope
            where timestamp >= {{recent:DateTime64(3, 'UTC')}} and type not in {PASSIVE}
                  and person in (select person from shown)
            group by person) as recent using (person)
        order by xp desc, user_id
        """
    chart: ClassVar[Chart] = Bars(x="user_id", y="total_xp")

    def settled(self, settings: Settings) -> Self:
        """The curve is the setting's where none is given."""
        return self.model_copy(update={"curve": self.curve or settings.level_curve})

    def bound(self, when: When) -> dict[str, Any]:
        """Yesterday's beginning, too."""
        return super().bound(when) | {"recent": start_of(when.today - DAY, when.zone)}

    def rows(self, found: Sequence[dict[str, Any]], when: When) -> list[StatsOfPerson]:
        """Row for row."""
        levels = curve(self.curve or USUAL)
        return [self._row(row, levels.level(row["xp"]).number, when) for row in found]

    def _row(self, row: dict[str, Any], level: int, when: When) -> StatsOfPerson:
        (at, reported), days = row["report"], row["days"]
        dawn = row["dawns"].get(max(days)) if days else None
        reached = streak(
            days,
            when.today,
            zone=when.zone,
            renewed=moment(dawn) if dawn else None,
            report=Report(moment(at), reported) if at else None,
            best=row["best"],
        )
        return StatsOfPerson(
            user_id=row["user_id"],
            total_xp=max(0, row["xp"]),
            current_level=level,
            current_streak=reached.current,
            longest_streak=reached.longest,
            total_achievements=row["total_achievements"],
            last_active=max(days, default=None),
        )
