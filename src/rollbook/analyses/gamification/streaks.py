"""Streaks: on how many days in a row somebody was active, computed from their days or as it was reported.

The days are calendar days of the zone that is asked for, so a change of clocks neither breaks a streak nor makes one:
a day is a date, however many hours it has.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from rollbook.store.scope import DAY


@dataclass(frozen=True, slots=True)
class Streak:
    """Days in a row: up to today, or to yesterday while today has nothing yet (0: broken), and the longest ever."""

    current: int
    longest: int


@dataclass(frozen=True, slots=True)
class Report:
    """A streak as it was reported at a moment."""

    at: datetime
    streak_days: int


def streak(
    days: Collection[date], today: date, *, zone: str, renewed: datetime | None, report: Report | None, best: int = 0
) -> Streak:
    """The streak of one person.

    `days`: those on which they were active; `renewed`: the first moment of the last of them. `report`: the newest
    report; `best`: the longest streak ever reported. A report counts only where it is newer than what the days say: not
    made before the last active day began for the person. It holds on its day and the next.
    """
    lengths = runs(days)
    current = 0
    if report is not None and (renewed is None or report.at >= renewed):
        held = report.at.astimezone(ZoneInfo(zone)).date()
        current = report.streak_days if held >= today - DAY else 0
    elif days:
        last = max(days)
        current = lengths[last] if last >= today - DAY else 0
    return Streak(current, max([current, best, *lengths.values()]))


def runs(days: Collection[date]) -> dict[date, int]:
    """For each day, how many in a row end with it."""
    found: dict[date, int] = {}
    for day in sorted(days):
        found[day] = found.get(day - DAY, 0) + 1
    return found
