"""Stories of how much happens: totals, active users, events by day, distribution, heatmap."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from rollbook.analyses.active_users import ActiveUsers
from rollbook.analyses.activity_heatmap import ActivityHeatmap
from rollbook.analyses.ask import ask
from rollbook.analyses.event_distribution import EventDistribution
from rollbook.analyses.events_by_day import EventsByDay
from rollbook.analyses.question import Question
from rollbook.analyses.totals import Total, Totals
from rollbook.store import Store
from tests.stories import happened, tell

NOW = datetime(2026, 3, 6, 12, tzinfo=UTC)


@pytest.fixture(params=[False, True], ids=["events", "rollups"])
def told(store: Store, tenant: str, request: pytest.FixtureRequest) -> Any:
    """Tell a story, and ask; once read from the events, once (as far as may be) from the rollups."""

    def and_asked(story: list[dict[str, Any]], question: Question[Any]) -> list[dict[str, Any]]:
        tell(store, tenant, story)
        if request.param:
            store.rollups.roll(quiet_seconds=0)
        return [row.model_dump() for row in ask(store, question, tenant).rows]

    return and_asked


def test_totals(told: Any) -> None:
    story = [
        happened("session_start", "ada", "2026-03-01T08:00", duration=60.0),
        happened("session_start", "bob", "2026-03-05T12:00", duration=40.0),  # 24 hours before now: just too early
        happened("page_view", "bob", "2026-03-05T12:00:00.001"),
        happened("page_view", "", "2026-03-06T11:00", duration=0.5),
        happened("session_start", "cyd", "2026-03-06T12:00:00.001"),  # after now
    ]
    everything = {"events": 4, "people": 2, "sessions": 2, "seconds": 100.5}
    assert told(story, Totals(as_of=NOW)) == [everything | {"first": date(2026, 3, 1), "last": date(2026, 3, 6)}]


def test_totals_of_the_last_24_hours(told: Any) -> None:
    story = [
        happened("session_start", "bob", "2026-03-05T12:00"),
        happened("page_view", "bob", "2026-03-05T12:00:00.001"),
        happened("page_view", "", "2026-03-06T12:00", duration=0.5),
    ]
    day = {"events": 2, "people": 1, "sessions": 0, "seconds": 0.5}
    assert told(story, Totals(days=1, as_of=NOW)) == [day | {"first": date(2026, 3, 5), "last": date(2026, 3, 6)}]


def test_totals_of_nothing(store: Store, tenant: str) -> None:
    assert ask(store, Totals(), tenant).rows == [
        Total(events=0, people=0, sessions=0, seconds=0.0, first=None, last=None)
    ]


def test_active_users(told: Any) -> None:
    # ada comes on 1 and 8 February (a gap of 7 days), bob on 3 March, both on 6 March, nobody else counts
    story = [
        happened("page_view", "ada", "2026-02-01T10:00"),
        happened("page_view", "ada", "2026-02-08T10:00"),
        happened("page_view", "bob", "2026-03-03T10:00"),
        happened("page_view", "bob", "2026-03-03T11:00"),
        happened("page_view", "ada", "2026-03-06T10:00"),
        happened("page_view", "bob", "2026-03-06T10:00"),
        happened("page_view", "", "2026-03-05T10:00"),
        happened("page_view", "cyd", "2026-03-06T12:00:01"),
    ]
    rows = told(story, ActiveUsers(days=35, as_of=NOW))
    assert [row["day"] for row in rows] == [date.fromordinal(date(2026, 1, 31).toordinal() + n) for n in range(35)]
    by_day = {str(row["day"]): (row["dau"], row["wau"], row["mau"]) for row in rows}
    assert by_day["2026-01-31"] == (0, 0, 0)
    assert by_day["2026-02-01"] == (1, 1, 1)
    assert by_day["2026-02-07"] == (0, 1, 1)
    assert by_day["2026-02-08"] == (1, 1, 1)
    assert by_day["2026-02-14"] == (0, 1, 1)
    assert by_day["2026-02-15"] == (0, 0, 1)
    assert by_day["2026-03-03"] == (1, 1, 2)
    assert by_day["2026-03-06"] == (2, 2, 2)
    assert rows[-1]["stickiness"] == 1.0
    assert rows[0]["stickiness"] is None
    assert rows[-4]["stickiness"] == 0.5


def test_nobody_is_active_any_more_after_thirty_days(told: Any) -> None:
    rows = told([happened("page_view", "ada", "2026-02-01T10:00")], ActiveUsers(days=5, as_of=NOW))
    assert [(str(row["day"]), row["mau"]) for row in rows] == [
        ("2026-03-02", 1),
        ("2026-03-03", 0),
        ("2026-03-04", 0),
        ("2026-03-05", 0),
        ("2026-03-06", 0),
    ]


def test_events_by_day_in_a_zone(told: Any) -> None:
    # 04:59 UTC is still the day before in New York (UTC-5), 05:00 is not
    story = [happened("page_view", u, at) for u, at in (("", "2026-03-05T04:59:59.999"), ("a", "2026-03-05T05:00"))]
    rows = told(story, EventsByDay(days=3, as_of=NOW, timezone="America/New_York"))
    assert rows == [
        {"day": date(2026, 3, 4), "events": 1},
        {"day": date(2026, 3, 5), "events": 1},
        {"day": date(2026, 3, 6), "events": 0},
    ]


def test_event_distribution(told: Any) -> None:
    story = [
        happened("quiz", "ada", "2026-03-04T12:00:00.001"),
        happened("quiz", "bob", "2026-03-05T09:00"),
        happened("view", "ada", "2026-03-06T12:00"),
        happened("read", "", "2026-03-06T11:00"),
        happened("read", "ada", "2026-03-04T12:00"),  # 48 hours before now: too early
    ]
    assert told(story, EventDistribution(days=2, as_of=NOW)) == [
        {"type": "quiz", "events": 2},
        {"type": "read", "events": 1},
        {"type": "view", "events": 1},
    ]


def test_the_heatmap_follows_the_clock(told: Any) -> None:
    # on Sunday 1 November 2026 New York's clocks go from 01:59 back to 01:00: 05:30 and 06:30 UTC are both 01:30 there
    story = [
        happened("page_view", "ada", "2026-11-01T05:30"),
        happened("page_view", "", "2026-11-01T06:30"),
        happened("page_view", "ada", "2026-11-01T07:00"),
        happened("page_view", "ada", "2026-11-02T04:59"),  # still Sunday, 23:59
        happened("page_view", "ada", "2026-10-31T03:59"),  # Friday 30 October, 23:59: a day too early
    ]
    question = ActivityHeatmap(days=3, as_of=datetime(2026, 11, 2, 12, tzinfo=UTC), timezone="America/New_York")
    rows = told(story, question)
    assert len(rows) == 168
    assert [(row["weekday"], row["hour"]) for row in rows[:2]] == [(1, 0), (1, 1)]
    assert {(row["weekday"], row["hour"]): row["events"] for row in rows if row["events"]} == {
        (7, 1): 2,
        (7, 2): 1,
        (7, 23): 1,
    }


def test_the_heatmap_knows_zones_that_are_off_by_quarters(told: Any) -> None:
    # Kathmandu is UTC+5:45: 18:14 UTC is 23:59 on Thursday, 18:15 midnight on Friday
    story = [happened("page_view", "ada", f"2026-03-05T18:{minute}") for minute in (14, 15)]
    rows = told(story, ActivityHeatmap(days=7, as_of=NOW, timezone="Asia/Kathmandu"))
    assert {(row["weekday"], row["hour"]) for row in rows if row["events"]} == {(4, 23), (5, 0)}
