"""What oracles share: which events a period holds, and whose and when they are."""

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from rollbook.analyses.question import When

Events = Sequence[dict[str, Any]]
Rows = list[dict[str, Any]]
Oracle = Callable[[Any, Events, When], Rows]

DAY = timedelta(days=1)
STARTS = {"content_view", "content_start", "material_view", "video_play"}
COMPLETIONS = {"content_completion", "completion", "material_complete", "course_complete"}


def day_of(event: dict[str, Any], when: When) -> date:
    """The calendar day on which it happened."""
    return local(event["timestamp"], when).date()


def local(moment: datetime, when: When) -> datetime:
    """The moment on the clocks of the zone."""
    return moment.astimezone(ZoneInfo(when.zone))


def today(when: When) -> date:
    """The calendar day of now."""
    return local(when.now, when).date()


def ever(events: Events, when: When) -> Rows:
    """What has happened by now."""
    return [event for event in events if event["timestamp"] <= when.now]


def last(events: Events, when: When, days: int) -> Rows:
    """What happened in the last `days` x 24 hours."""
    return [event for event in ever(events, when) if event["timestamp"] > when.now - days * DAY]


def calendar(events: Events, when: When, days: int) -> Rows:
    """What happened in the last `days` calendar days, today included."""
    return [event for event in ever(events, when) if day_of(event, when) > today(when) - days * DAY]


def people(events: Events) -> set[str]:
    """Who did it; the empty user is nobody."""
    return {event["user"] for event in events} - {""}


def days_back(when: When, days: int) -> list[date]:
    """The last `days` calendar days, the oldest first."""
    return [today(when) - n * DAY for n in reversed(range(days))]


def of(user: str, events: Events) -> Rows:
    """What one user did."""
    return [event for event in events if event["user"] == user]
