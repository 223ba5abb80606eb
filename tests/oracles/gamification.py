"""Oracles of gamification: XP, levels, achievements, streaks."""

from datetime import date, timedelta
from typing import Any

from rollbook.analyses.question import When
from tests.oracles.ground import DAY, Events, Oracle, Rows, calendar, day_of, days_back, ever, of, people, today
from tests.oracles.study import PASSIVE, achievements, number, told, xp

PLAYS = {"xp_earned", "achievement_earned", "level_up", "streak_update"}


def level(points: int) -> int:
    """By the usual curve: level n begins at 100 x (n - 1)^2."""
    found = 1
    while 100 * found**2 <= points:
        found += 1
    return found


def streaks(events: Events, when: When) -> tuple[int, int]:
    """The current and the longest streak of one person's events, day by day."""
    done = [event for event in events if event["type"] not in PASSIVE]
    days = {day_of(event, when) for event in done}
    reports = [(e["timestamp"], int(n)) for e in events if (n := reported(e)) is not None]
    longest = max([n for _, n in reports], default=0)
    for day in days:
        longest = max(longest, _back(day, days))
    newest = max(reports, default=None)
    if newest is not None:
        dawn = min((e["timestamp"] for e in done if day_of(e, when) == max(days)), default=newest[0])
        if newest[0] >= dawn:
            holds = today(when) - day_of({"timestamp": newest[0]}, when) <= DAY
            return newest[1] if holds else 0, longest
    return max(_back(today(when), days), _back(today(when) - DAY, days)), longest


def reported(event: dict[str, Any]) -> float | None:
    """The streak that an event reports."""
    days = number(event, "streak_days") if event["type"] == "streak_update" else None
    return days if days is not None and 0 <= days <= 100_000 else None


def _back(day: date, days: set[date]) -> int:
    length = 0
    while day - length * timedelta(days=1) in days:
        length += 1
    return length


def gamification_progress(question: Any, events: Events, when: When) -> Rows:
    """One person's."""
    mine = ever(of(question.user, events), when)
    total = max(0, xp(mine))
    current, longest = streaks(mine, when)
    reached = level(total)
    first: dict[Any, Any] = {}
    for event in sorted(mine, key=lambda e: e["timestamp"]):
        if event["type"] == "achievement_earned":
            first.setdefault(told(event, "achievement_id") or (event["id"],), event)
    earned = [e["timestamp"] for e in first.values() if e in calendar(mine, when, question.days)]
    return [
        {
            "user_id": question.user,
            "current_xp": total,
            "current_level": reached,
            "level_xp": 100 * (reached - 1) ** 2,
            "next_level_xp": 100 * reached**2,
            "xp_to_next_level": 100 * reached**2 - total,
            "xp_earned": xp(calendar(mine, when, question.days)),
            "current_streak": current,
            "longest_streak": max(current, longest),
            "total_achievements": achievements(mine),
            "achievements": [{"earned_at": at} for at in sorted(earned, reverse=True)],
            "xp_trend": [
                {
                    "date": day,
                    "xp_earned": xp([e for e in mine if day_of(e, when) == day]),
                    "total_xp": max(0, xp([e for e in mine if day_of(e, when) <= day])),
                }
                for day in days_back(when, question.days)
            ],
        }
    ]


def gamification_stats(question: Any, events: Events, when: When) -> Rows:
    """Everybody's, the most XP first."""
    rows = []
    for user in people(ever(events, when)):
        mine = ever(of(user, events), when)
        if not any(event["type"] in PLAYS for event in mine):
            continue
        current, longest = streaks(mine, when)
        active = [day_of(e, when) for e in mine if e["type"] not in PASSIVE]
        row = {
            "user_id": user,
            "total_xp": max(0, xp(mine)),
            "current_level": level(xp(mine)),
            "current_streak": current,
            "longest_streak": max(current, longest),
            "total_achievements": achievements(mine),
            "last_active": max(active, default=None),
        }
        rows.append((-xp(mine), user.encode(), row))
    return [row for _, _, row in sorted(rows, key=lambda one: one[:2])][: question.limit]


ORACLES: tuple[Oracle, ...] = (gamification_progress, gamification_stats)
