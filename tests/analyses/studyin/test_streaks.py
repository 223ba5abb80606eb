"""Streaks: days in a row, whatever clocks do; and reports, which count while they are newer."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollbook.analyses.ask import ask
from rollbook.analyses.gamification.gamification_progress import GamificationProgress
from rollbook.analyses.gamification.streaks import Report, Streak, runs, streak
from rollbook.store import Store
from tests.stories import happened, tell

TODAY = date(2026, 3, 10)


def days_ago(*back: int) -> set[date]:
    """Days before today."""
    return {TODAY - timedelta(days=n) for n in back}


@pytest.mark.parametrize(
    ("active", "current", "longest"),
    [
        (days_ago(), 0, 0),
        (days_ago(0), 1, 1),
        (days_ago(1), 1, 1),
        (days_ago(2), 0, 1),
        (days_ago(0, 1, 2, 4, 5, 6, 7), 3, 4),
        (days_ago(1, 2), 2, 2),
        (days_ago(2, 3, 4), 0, 3),
    ],
)
def test_of_days(active: set[date], current: int, longest: int) -> None:
    assert streak(active, TODAY, zone="UTC", renewed=None, report=None) == Streak(current, longest)


@given(st.sets(st.integers(0, 40)))
def test_it_is_the_days_counted_back_from_today_or_yesterday(back: set[int]) -> None:
    found = streak(days_ago(*back), TODAY, zone="UTC", renewed=None, report=None)
    first = 0 if 0 in back else 1
    expected = next(n for n in range(50) if first + n not in back)
    assert found.current == expected
    assert found.longest == max((length for length in runs(days_ago(*back)).values()), default=0)


def told(store: Store, tenant: str, *events: tuple[str, str, int | None], as_of: str, **more: str) -> tuple[int, int]:
    """The streak of ada, who did this then: type, when, and the streak that it reports."""
    rows = [
        happened(kind, at=at, properties="{}" if days is None else f'{{"streak_days": {days}}}')
        for kind, at, days in events
    ]
    tell(store, tenant, rows)
    (found,) = ask(store, GamificationProgress.model_validate({"user": "ada", "as_of": as_of} | more), tenant).rows
    return found.current_streak, found.longest_streak


SEEN, REPORT = "material_view", "streak_update"


def test_a_report_beats_what_is_computed_while_it_is_newer(store: Store, tenant: str) -> None:
    events = [(SEEN, "2026-03-02T10:00", None), (REPORT, "2026-03-02T10:01", 12), (SEEN, "2026-03-02T10:30", None)]
    assert told(store, tenant, *events, as_of="2026-03-02T12:00") == (12, 12)
    # it holds on its day and the next, then it is broken
    assert told(store, tenant, as_of="2026-03-03T23:59") == (12, 12)
    assert told(store, tenant, as_of="2026-03-04T00:00") == (0, 12)


def test_what_is_computed_beats_an_older_report(store: Store, tenant: str) -> None:
    events = [
        (SEEN, "2026-03-02T10:00", None),
        (REPORT, "2026-03-02T23:00", 12),
        (SEEN, "2026-03-03T08:00", None),
    ]
    assert told(store, tenant, *events, as_of="2026-03-03T07:59") == (12, 12)
    assert told(store, tenant, as_of="2026-03-03T08:00") == (2, 12)


def test_a_report_of_the_night_is_older_than_the_day_that_begins(store: Store, tenant: str) -> None:
    events = [(SEEN, "2026-03-02T10:00", None), (REPORT, "2026-03-03T00:05", 7), (SEEN, "2026-03-03T09:00", None)]
    assert told(store, tenant, *events, as_of="2026-03-03T10:00") == (2, 7)


def test_a_report_is_no_activity_and_one_of_zero_says_that_it_is_broken(store: Store, tenant: str) -> None:
    events = [(SEEN, "2026-03-02T10:00", None), (REPORT, "2026-03-02T11:00", 0), (REPORT, "2026-03-03T11:00", -4)]
    assert told(store, tenant, *events, as_of="2026-03-03T12:00") == (0, 1)


def test_requests_of_a_program_keep_no_streak(store: Store, tenant: str) -> None:
    events = [(SEEN, "2026-03-02T10:00", None), ("api_request", "2026-03-03T10:00", None)]
    assert told(store, tenant, *events, as_of="2026-03-03T12:00") == (1, 1)


@pytest.mark.parametrize("zone", ["America/New_York", "Africa/Cairo", "Pacific/Chatham", "Europe/Zurich"])
@pytest.mark.parametrize("around", [date(2026, 3, 8), date(2026, 3, 29), date(2025, 11, 2), date(2025, 4, 25)])
def test_a_change_of_clocks_neither_breaks_nor_makes_a_streak(
    store: Store, tenant: str, zone: str, around: date
) -> None:
    # once a day, at 23:30 and 00:30 in turns, on the clocks of the zone
    days = [around + timedelta(days=n) for n in range(-4, 5)]
    moments = [
        datetime(day.year, day.month, day.day, 23 if n % 2 else 0, 30, tzinfo=ZoneInfo(zone)).astimezone(UTC)
        for n, day in enumerate(days)
    ]
    tell(store, tenant, [happened(SEEN, at=moment) for moment in moments])
    asked = GamificationProgress(user="ada", as_of=moments[-1] + timedelta(minutes=1), timezone=zone)
    (found,) = ask(store, asked, tenant).rows
    assert (found.current_streak, found.longest_streak) == (9, 9)


def test_the_day_is_the_tenant_s(store: Store, tenant: str) -> None:
    store.records.set_timezone(tenant, "Asia/Tokyo")
    # in Tokyo the 3rd, the 4th and the 5th
    events = [(SEEN, "2026-03-02T16:00", None), (SEEN, "2026-03-03T15:30", None), (SEEN, "2026-03-04T16:00", None)]
    assert told(store, tenant, *events, as_of="2026-03-05T14:00") == (3, 3)
    assert told(store, tenant, as_of="2026-03-06T14:59") == (3, 3)
    assert told(store, tenant, as_of="2026-03-06T15:00") == (0, 3)


def test_the_moment_of_a_report_is_kept_to_the_millisecond() -> None:
    dawn = datetime(2026, 3, 10, 8, tzinfo=UTC)
    for shift, current in ((-1, 1), (0, 9), (1, 9)):
        report = Report(dawn + timedelta(milliseconds=shift), 9)
        found = streak(days_ago(0), TODAY, zone="UTC", renewed=dawn, report=report, best=9)
        assert found == Streak(current, 9)
