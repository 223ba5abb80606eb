"""Scope: whole and cut days, hot and rolled ones, days of 23 and 25 hours, one tenant's events and nobody else's."""

import itertools
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rollbook.store import Scope, Store
from rollbook.store.intake.derived import follow
from rollbook.store.scope import MILLISECOND, start_of
from tests.stories import happened, tell

ACTIVITY = "select day, user, type, sum(events) as n, sum(seconds) as s from activity_scope group by day, user, type"
EVENTS = "select count() as n from scope"
DAYS = "select distinct person, day from learner_days_scope"
PEOPLE = "select user, first from people_scope order by user"

# a day of 23 hours, a day that begins at 01:00, a day of 25 hours, half hours off, no change at all
ZONES = {
    "Europe/London": datetime(2026, 3, 27, tzinfo=UTC),
    "America/Santiago": datetime(2026, 9, 4, tzinfo=UTC),
    "America/New_York": datetime(2026, 10, 30, tzinfo=UTC),
    "Asia/Kathmandu": datetime(2026, 5, 1, tzinfo=UTC),
    "UTC": datetime(2026, 12, 30, tzinfo=UTC),
}
HOUR = 3_600_000
_tenants = itertools.count()


def asked(store: Store, scope: Scope, question: str) -> list[dict[str, Any]]:
    """The rows of a question about a scope."""
    sql = scope.sql(question)
    return store.engine.query(sql, {n: v for n, v in scope.parameters().items() if "{" + n + ":" in sql})


moments = st.one_of(
    st.integers(0, 5 * 24 * HOUR),
    # the edges of hours are the edges of days somewhere
    st.builds(lambda hour, off: max(0, hour * HOUR + off), st.integers(0, 5 * 24), st.sampled_from([-1, 0, 1])),
)
stories = st.lists(
    st.tuples(moments, st.sampled_from(["", "ada", "bob"]), st.sampled_from(["view", "quiz"]), st.booleans()),
    max_size=25,
)


@given(stories, stories, moments, moments, st.sampled_from(sorted(ZONES)))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_scope_sees_exactly_its_events(
    store: Store, rolled: list[Any], late: list[Any], first: int, second: int, zone: str
) -> None:
    tenant = f"scope-{next(_tenants)}"
    store.set_timezone(tenant, zone)
    start = ZONES[zone]
    told: list[dict[str, Any]] = []
    for part in (rolled, late):
        events = [
            happened(kind, user, start + timedelta(milliseconds=ms), duration=1.5 if timed else None)
            for ms, user, kind, timed in part
        ]
        store.rollups.roll(quiet_seconds=0)
        tell(store, tenant, events)
        told += events
    begin, until = (start + timedelta(milliseconds=ms) for ms in sorted((first, second)))
    with store.rollups.reading(tenant) as hot:
        for scope in (
            Scope(tenant, begin=begin, until=until, zone=zone, hot=hot),
            Scope(tenant, begin=begin, until=until, zone=zone),
            Scope(tenant, begin=begin, until=until, zone=zone, hot=hot, users=("ada", "nobody")),
        ):
            assert_exact(store, scope, told)


def assert_exact(store: Store, scope: Scope, told: list[dict[str, Any]]) -> None:
    """Compare the four scopes with the events themselves."""
    ours = [event for event in told if scope.users is None or event["user"] in scope.users]
    inside = [event for event in ours if scope.begin <= event["timestamp"] <= scope.until]
    zone = ZoneInfo(scope.zone)
    counts: Counter[Any] = Counter()
    seconds: Counter[Any] = Counter()
    for event in inside:
        key = (event["timestamp"].astimezone(zone).date(), event["user"], event["type"])
        counts[key] += 1
        seconds[key] += event["duration"] or 0
    found = asked(store, scope, ACTIVITY)
    assert {(row["day"], row["user"], row["type"]): row["n"] for row in found} == counts
    assert {(row["day"], row["user"], row["type"]): row["s"] for row in found} == {key: seconds[key] for key in counts}
    assert asked(store, scope, EVENTS) == [{"n": len(inside)}]
    assert len(asked(store, scope, DAYS)) == len({(day, user) for day, user, _ in counts if user})
    people: dict[str, datetime] = {}
    for event in sorted(ours, key=lambda event: event["timestamp"]):
        if event["user"] and event["timestamp"] <= scope.until:
            people.setdefault(event["user"], event["timestamp"])
    assert {row["user"]: row["first"] for row in asked(store, scope, PEOPLE)} == people


@pytest.mark.parametrize(
    ("day", "zone", "begins"),
    [
        (date(2026, 3, 29), "Europe/London", datetime(2026, 3, 29, 0, tzinfo=UTC)),
        (date(2026, 3, 30), "Europe/London", datetime(2026, 3, 29, 23, tzinfo=UTC)),
        # midnight does not exist: the clock jumps from 24:00 to 01:00
        (date(2026, 9, 6), "America/Santiago", datetime(2026, 9, 6, 4, tzinfo=UTC)),
        # 00:00 to 01:00 comes twice; the day begins with the first
        (date(2026, 11, 1), "America/Havana", datetime(2026, 11, 1, 4, tzinfo=UTC)),
    ],
)
def test_when_a_day_begins(day: date, zone: str, begins: datetime) -> None:
    assert start_of(day, zone) == begins


def test_a_whole_day_is_read_from_the_rollup_and_a_cut_one_from_the_events(store: Store, tenant: str) -> None:
    tell(store, tenant, [happened("view", at=f"2026-03-{day:02}T10:00") for day in (2, 3, 4)])
    store.rollups.roll(quiet_seconds=0)
    day = datetime(2026, 3, 2, tzinfo=UTC)
    whole = Scope(tenant, begin=day, until=day + timedelta(days=3) - MILLISECOND, hot=frozenset())
    cut = Scope(tenant, begin=day + MILLISECOND, until=day + timedelta(days=3) - 2 * MILLISECOND, hot=frozenset())
    # what only the rollup says shows who is asked
    store.engine.command(
        "insert into activity (tenant, day, course, user, type, events, seconds)"
        " select {tenant:String}, arrayJoin({days:Array(Date)}), '', 'x', 'y', 1, 0",
        {"tenant": tenant, "days": [date(2026, 3, 2), date(2026, 3, 3), date(2026, 3, 4)]},
    )
    count = "select day, sum(events) as n from activity_scope group by day order by day"
    assert [row["n"] for row in asked(store, whole, count)] == [2, 2, 2]
    assert [row["n"] for row in asked(store, cut, count)] == [1, 2, 1]
    store.rollups.reheat(tenant)


def test_nobody_elses_events_are_seen(store: Store, tenant: str) -> None:
    tell(store, tenant, [happened("view")])
    tell(store, f"{tenant}-other", [happened("view"), happened("view", "bob", "2026-01-01")])
    store.rollups.roll(quiet_seconds=0)
    for hot in (frozenset[date](), None):
        scope = Scope(tenant, until=datetime(2027, 1, 1, tzinfo=UTC), hot=hot)
        assert asked(store, scope, EVENTS) == [{"n": 1}]
        assert [row["n"] for row in asked(store, scope, ACTIVITY)] == [1]
        assert [row["user"] for row in asked(store, scope, PEOPLE)] == ["ada"]


def test_what_is_taken_out_of_properties_is_not_kept_beside_them(store: Store, tenant: str) -> None:
    said = '{"model_provider": "acme", "note": "ada@example.org"}'
    tell(store, tenant, [happened("model.usage", "ada", "2026-03-02T10:00", properties=said)])
    of = {"tenant": tenant}
    read = "select kind, measured, properties from events where tenant = {tenant:String}"
    assert store.engine.query(read, of) == [{"kind": "model_usage", "measured": said, "properties": said}]
    follows = follow("{with:String}")
    change = f"alter table events update properties = {{with:String}}, {follows} where tenant = {{tenant:String}}"
    store.engine.command(change, of | {"with": '{"model_provider": "acme"}'}, settings={"mutations_sync": 1})
    assert store.engine.query(read, of)[0]["measured"] == '{"model_provider": "acme"}'
    store.engine.command(change, of | {"with": "{}"}, settings={"mutations_sync": 1})
    assert store.engine.query(read, of) == [{"kind": "", "measured": "", "properties": "{}"}]
