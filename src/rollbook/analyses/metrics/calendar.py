"""Calendar: the stretches of time that points of a series stand for: minutes, hours, days … on the clocks of a zone."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from rollbook.errors import Invalid
from rollbook.store.scope import DAY, start_of

Granularity = Literal["minute", "hour", "day", "week", "month", "quarter"]

MOST_BUCKETS = 20_000
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
# what a bucket lasts at the least, to see beforehand that there are not too many
SHORTEST: dict[Granularity, timedelta] = {
    "minute": MINUTE,
    "hour": MINUTE * 30,
    "day": HOUR * 22,
    "week": DAY * 6,
    "month": DAY * 27,
    "quarter": DAY * 89,
}

Stretch = tuple[int, int, int]


def buckets(begin: datetime, until: datetime, granularity: Granularity, zone: str) -> list[datetime]:
    """The beginnings (UTC) of all buckets that touch `begin` to `until` (excluded), the first at `begin` or before.

    A day begins when its date does, an hour when the clock shows it: where the clock goes back, an hour that comes
    twice is two buckets; where it goes forward, the one that is skipped is none. Weeks begin on Monday. Raises Invalid
    where there are more than `MOST_BUCKETS`.
    """
    if (until - begin) / SHORTEST[granularity] > 3 * MOST_BUCKETS:
        raise _too_many(granularity)
    found: list[datetime] = []
    for edge in _edges(begin, granularity, zone):
        if edge >= until:
            break
        found.append(edge)
        if len(found) > MOST_BUCKETS:
            raise _too_many(granularity)
    return found


def stretches(numbers: Sequence[int]) -> list[Stretch]:
    """Rising numbers as ranges (first, end excluded, step): few, however many the numbers are."""
    found: list[Stretch] = []
    place = 0
    while place < len(numbers):
        last = place
        step = numbers[place + 1] - numbers[place] if place + 1 < len(numbers) else 1
        while last + 1 < len(numbers) and numbers[last + 1] - numbers[last] == step:
            last += 1
        found.append((numbers[place], numbers[last] + 1, step))
        place = last + 1
    return found


def moment_of(milliseconds: int) -> datetime:
    """The moment so many milliseconds after 1970 began."""
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds)


def milliseconds(moment: datetime) -> int:
    """How many milliseconds after 1970 began."""
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def _too_many(granularity: str) -> Invalid:
    return Invalid(f"more than {MOST_BUCKETS} {granularity}s lie in the range; take a shorter one, or longer buckets")


def _edges(begin: datetime, granularity: Granularity, zone: str) -> Iterator[datetime]:
    if granularity == "minute":
        edge = begin.astimezone(UTC).replace(second=0, microsecond=0)
        while True:
            yield edge
            edge += MINUTE
    if granularity == "hour":
        yield from _hours(begin, zone)
    day = _first_day(begin.astimezone(ZoneInfo(zone)).date(), granularity)
    while True:
        yield start_of(day, zone)
        day = _next_day(day, granularity)


def _hours(begin: datetime, zone: str) -> Iterator[datetime]:
    """When the clock begins to show an hour."""
    clock = ZoneInfo(zone)
    edge = begin.astimezone(UTC).replace(second=0, microsecond=0)
    while not _begins_hour(edge, clock):
        edge -= MINUTE
    while True:
        yield edge
        now, after = edge.astimezone(clock), (edge + HOUR).astimezone(clock)
        if now.minute == 0 and after.utcoffset() == now.utcoffset():
            edge += HOUR
            continue
        edge += MINUTE
        while not _begins_hour(edge, clock):
            edge += MINUTE


def _begins_hour(moment: datetime, clock: ZoneInfo) -> bool:
    """Whether the clock shows a full hour, or has just jumped into another one."""
    now, before = moment.astimezone(clock), (moment - MINUTE).astimezone(clock)
    return now.minute == 0 or (now.date(), now.hour) != (before.date(), before.hour)


def _first_day(day: date, granularity: Granularity) -> date:
    if granularity == "week":
        return day - timedelta(days=day.weekday())
    if granularity == "month":
        return day.replace(day=1)
    if granularity == "quarter":
        return day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1)
    return day


def _next_day(day: date, granularity: Granularity) -> date:
    if granularity == "week":
        return day + 7 * DAY
    months = {"month": 1, "quarter": 3}.get(granularity)
    if months is None:
        return day + DAY
    return (day + 31 * months * DAY).replace(day=1) if months == 1 else _first_day(day + 100 * DAY, "quarter")
