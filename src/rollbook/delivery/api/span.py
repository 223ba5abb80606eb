"""Span: a stretch of time as a caller writes it, in moments or in whole days."""

import re
from datetime import UTC, date, datetime, timedelta

from rollbook.analyses.question import aware
from rollbook.errors import Invalid
from rollbook.store.scope import DAY, EPOCH, MILLISECOND, start_of

LAST = datetime(2148, 12, 31, tzinfo=UTC)
_ZONE_WITHOUT_PLUS = re.compile(r"(T\S+) (\d\d:?\d\d)$")


def span(start: str | None, end: str | None, *, now: datetime, zone: str, days: int) -> tuple[datetime, datetime]:
    """First and last moment; a day alone is the whole of it in `zone`. Default: the `days` x 24 hours up to `now`.

    Raises Invalid where one is no time, or the end is before the start.
    """
    until = moment(end, "end", zone) if end else now
    begin = moment(start, "start", zone) if start else until - timedelta(days=days) + MILLISECOND
    if begin > until:
        raise Invalid(f"the end, {until:%Y-%m-%d %H:%M:%S}, is before the start, {begin:%Y-%m-%d %H:%M:%S}; swap them")
    return max(begin, EPOCH), max(EPOCH, min(until, LAST))


def moment(text: str, name: str, zone: str) -> datetime:
    """A moment from ISO 8601. A day alone is its first moment in `zone`, for an `end` its last."""
    # an address turns the plus of a time zone into a space
    text = _ZONE_WITHOUT_PLUS.sub(r"\1+\2", text.strip())
    try:
        if len(text) == len("2024-01-31"):
            day = min(date.fromisoformat(text), LAST.date())
            return start_of(day + DAY, zone) - MILLISECOND if name.startswith("end") else start_of(day, zone)
        return aware(datetime.fromisoformat(text))
    except (ValueError, OverflowError):
        raise Invalid(f"{name} {text[:100]!r} is no time; write 2024-01-31 or 2024-01-31T10:00:00Z") from None
