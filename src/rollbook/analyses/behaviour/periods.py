"""Periods: days, weeks that begin on Monday, and months, counted back from the one that now is in."""

from calendar import monthrange
from datetime import UTC, date, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from rollbook.analyses.question import When
from rollbook.store import Scope
from rollbook.store.scope import DAY, EPOCH, start_of

Unit = Literal["day", "week", "month"]


def begin_of(unit: Unit, day: date) -> date:
    """The first day of the period that a day is in."""
    return {"day": day, "week": day - timedelta(days=day.weekday()), "month": day.replace(day=1)}[unit]


def earlier(unit: Unit, day: date, periods: int) -> date:
    """The same day so many periods earlier; the last of a month that is too short for it."""
    if unit != "month":
        return day - periods * (DAY if unit == "day" else 7 * DAY)
    year, month = divmod(day.year * 12 + day.month - 1 - periods, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def shown(when: When, unit: Unit, periods: int) -> list[date]:
    """The first days of the periods up to now, the oldest first."""
    current = begin_of(unit, when.today)
    return [earlier(unit, current, back) for back in reversed(range(periods))]


def scope(when: When, unit: Unit, periods: int) -> Scope:
    """All of so many periods."""
    begin = start_of(shown(when, unit, periods)[0], when.zone)
    return Scope(when.tenant, when.now, max(begin, EPOCH), when.zone)


def before(when: When, unit: Unit, periods: int) -> datetime:
    """The moment so many periods earlier, at the same time of day."""
    local = when.now.astimezone(ZoneInfo(when.zone))
    return datetime.combine(earlier(unit, local.date(), periods), local.timetz()).astimezone(UTC)
