"""Rollups: hot days, rolled days, late events, writers and readers beside the rolling; they never disagree."""

import threading
from datetime import UTC, date, datetime
from typing import Any

import pytest

from rollbook.errors import Invalid
from rollbook.store import Scope, Store
from rollbook.store.rollup_sql import FILL
from rollbook.store.scope import utc_days
from tests.processes import run
from tests.stories import happened, tell

MONDAY, TUESDAY, WEDNESDAY = date(2026, 3, 2), date(2026, 3, 3), date(2026, 3, 4)
WEEK_END = datetime(2026, 3, 8, 23, 59, 59, 999_000, UTC)

BY_DAY = "select day, sum(events) as n from activity_scope group by day order by day"


def by_day(store: Store, tenant: str, hot: Any = None) -> dict[date, int]:
    """Events by day, as a question sees them."""
    with store.rollups.reading(tenant) as now:
        zone = store.zone_of(tenant)
        begin = datetime(2026, 3, 1, tzinfo=UTC)
        scope = Scope(tenant, begin=begin, until=WEEK_END, zone=zone, hot=now if hot is None else hot)
        bound = {name: value for name, value in scope.parameters().items() if "{" + name + ":" in scope.sql(BY_DAY)}
        return {row["day"]: row["n"] for row in store.engine.query(scope.sql(BY_DAY), bound)}


def rolled_up(store: Store, tenant: str) -> int:
    """How many events `activity` holds of a tenant."""
    sql = "select toInt64(sum(events)) as n from activity where tenant = {tenant:String}"
    found: int = store.engine.query(sql, {"tenant": tenant})[0]["n"]
    return found


def named(store: Store, tenant: str) -> list[str]:
    """Whom `people` holds of a tenant."""
    sql = "select distinct user from people where tenant = {tenant:String} order by user"
    return [row["user"] for row in store.engine.query(sql, {"tenant": tenant})]


def test_a_day_is_read_from_its_events_until_it_is_rolled(store: Store, tenant: str) -> None:
    tell(store, tenant, [happened("view"), happened("view", "bob"), happened("view", at="2026-03-03T09:00")])
    assert store.rollups.hot(tenant) == {MONDAY, TUESDAY}
    assert rolled_up(store, tenant) == 0
    assert by_day(store, tenant) == {MONDAY: 2, TUESDAY: 1}
    assert store.rollups.roll(quiet_seconds=0) >= 2
    assert store.rollups.hot(tenant) == set()
    assert rolled_up(store, tenant) == 3
    assert by_day(store, tenant) == {MONDAY: 2, TUESDAY: 1}
    assert store.rollups.differences(tenant) == []


def test_a_late_event_makes_its_day_hot_and_is_rolled_with_it_once_more(store: Store, tenant: str) -> None:
    tell(store, tenant, [happened("view"), happened("view", at="2026-03-03T09:00")])
    store.rollups.roll(quiet_seconds=0)
    tell(store, tenant, [happened("view", at="2026-03-02T23:59:59.999"), happened("quiz", "", "2026-03-02T00:00")])
    assert store.rollups.hot(tenant) == {MONDAY}
    assert by_day(store, tenant) == {MONDAY: 3, TUESDAY: 1}
    store.rollups.roll(quiet_seconds=0)
    assert by_day(store, tenant) == {MONDAY: 3, TUESDAY: 1}
    assert rolled_up(store, tenant) == 4
    assert store.rollups.differences(tenant) == []


def test_days_that_were_written_to_just_now_wait(store: Store, tenant: str) -> None:
    tell(store, tenant, [happened("view")])
    store.rollups.roll(quiet_seconds=3600)
    assert store.rollups.hot(tenant) == {MONDAY}
    with store.rollups.writing([(tenant, MONDAY)]):
        store.rollups.roll(quiet_seconds=0)
        assert store.rollups.hot(tenant) == {MONDAY}
    store.rollups.roll(quiet_seconds=0)
    assert store.rollups.hot(tenant) == set()


def test_what_a_crash_left_half_rolled_is_rolled_anew(store: Store, tenant: str) -> None:
    tell(store, tenant, [happened("view"), happened("view", "bob")])
    bound = {"tenant": tenant, "zone": "UTC", "days": [MONDAY], "utc": utc_days([MONDAY])}
    store.engine.command(FILL[0], bound)
    assert by_day(store, tenant) == {MONDAY: 2}
    store.rollups.roll(quiet_seconds=0)
    assert rolled_up(store, tenant) == 2
    assert store.rollups.differences(tenant) == []


def test_differences_are_seen(store: Store, tenant: str) -> None:
    tell(store, tenant, [happened("view", "ada"), happened("view", "bob")])
    store.rollups.roll(quiet_seconds=0)
    for wrong in (
        "insert into activity (tenant, day, course, user, type, events, seconds)"
        " values ({tenant:String}, '2026-03-03', '', 'eve', 'view', 1, 0)",
        "insert into learner_days (tenant, person, day) values ({tenant:String}, 7, '2026-03-03')",
        "insert into people (tenant, user, first, last) values ({tenant:String}, 'ada', '2020-01-01', '2020-01-01')",
        "insert into people (tenant, user, first, last) values ({tenant:String}, 'eve', '2026-03-03', '2026-03-03')",
    ):
        assert store.rollups.differences(tenant) == []
        store.engine.command(wrong, {"tenant": tenant})
        found = store.rollups.differences(tenant)
        assert len(found) == 1
        assert found[0].startswith(tenant)
        store.rollups.reheat(tenant)


def test_a_question_that_began_before_a_late_event_counts_it_once_or_not(store: Store, tenant: str) -> None:
    tell(store, tenant, [happened("view"), happened("view", at="2026-03-03T09:00")])
    store.rollups.roll(quiet_seconds=0)
    tell(store, tenant, [happened("view")])
    rolling = threading.Thread(target=store.rollups.roll, kwargs={"quiet_seconds": 0})
    with store.rollups.reading(tenant) as hot:
        # hot after the question began, so it goes on reading the rollup of Tuesday
        tell(store, tenant, [happened("view", at="2026-03-03T10:00")])
        rolling.start()
        while rolling.is_alive():
            seen = by_day(store, tenant, hot)
            assert seen[MONDAY] == 2
            assert seen[TUESDAY] in (1, 2)
        rolling.join()
    assert by_day(store, tenant) == {MONDAY: 2, TUESDAY: 2}
    assert store.rollups.differences(tenant) == []


def test_rollups_are_kept_until_the_last_question_that_reads_them_ends(store: Store, tenant: str) -> None:
    tell(store, tenant, [happened("view"), happened("view", at="2026-03-03T09:00")])
    store.rollups.roll(quiet_seconds=0)
    reheating = threading.Thread(target=store.rollups.reheat, args=(tenant,))
    with store.rollups.reading(tenant) as hot:
        reheating.start()
        for _ in range(20):
            assert by_day(store, tenant, hot) == {MONDAY: 1, TUESDAY: 1}
        assert reheating.is_alive()
    reheating.join()
    assert rolled_up(store, tenant) == 0
    assert by_day(store, tenant) == {MONDAY: 1, TUESDAY: 1}


def test_writers_and_rolling_at_the_same_time(store: Store, tenant: str) -> None:
    done = threading.Event()

    def write() -> None:
        for n in range(40):
            tell(store, tenant, [happened("view", f"user-{n % 5}", f"2026-03-0{2 + n % 3}T10:00", duration=0.5)])
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    while not done.is_set():
        store.rollups.roll(quiet_seconds=0)
        assert sum(by_day(store, tenant).values()) <= 40
    writer.join()
    assert store.rollups.differences(tenant) == []
    assert by_day(store, tenant) == {MONDAY: 14, TUESDAY: 13, WEDNESDAY: 13}


def test_another_zone_counts_other_days(store: Store, tenant: str) -> None:
    # 20:00 in UTC is Tuesday 09:00 in Auckland, 10:00 is Monday 23:00
    tell(store, tenant, [happened("view", at="2026-03-02T20:00"), happened("view", at="2026-03-02T10:00")])
    store.rollups.roll(quiet_seconds=0)
    assert by_day(store, tenant) == {MONDAY: 2}
    store.set_timezone(tenant, "Pacific/Auckland")
    assert by_day(store, tenant) == {MONDAY: 1, TUESDAY: 1}
    assert (rolled_up(store, tenant), named(store, tenant)) == (0, [])
    store.rollups.roll(quiet_seconds=0)
    assert store.rollups.hot(tenant) == set()
    assert by_day(store, tenant) == {MONDAY: 1, TUESDAY: 1}
    assert store.rollups.differences(tenant) == []
    with pytest.raises(Invalid):
        store.set_timezone(tenant, "Nowhere")
    assert store.zone_of(tenant) == "Pacific/Auckland"


def test_a_zone_changes_while_events_come_in(store: Store, tenant: str) -> None:
    done = threading.Event()

    def write() -> None:
        for n in range(60):
            tell(store, tenant, [happened("view", f"user-{n % 7}", f"2026-03-0{2 + n % 3}T{n % 24:02}:30")])
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    zones = ["Pacific/Kiritimati", "Etc/GMT+12", "UTC"]
    while not done.is_set():
        store.set_timezone(tenant, zones[0])
        zones = [*zones[1:], zones[0]]
        store.rollups.roll(quiet_seconds=0)
        assert sum(by_day(store, tenant).values()) <= 60
    writer.join()
    assert store.rollups.differences(tenant) == []
    assert sum(by_day(store, tenant).values()) == 60


def test_after_a_deletion_all_days_are_rolled_anew(store: Store, tenant: str) -> None:
    tell(store, tenant, [happened("view", "ada"), happened("view", "bob"), happened("view", "bob", "2026-03-03T09:00")])
    store.rollups.roll(quiet_seconds=0)
    store.engine.command("delete from events where tenant = {tenant:String} and user = 'bob'", {"tenant": tenant})
    store.rollups.reheat(tenant)
    assert by_day(store, tenant) == {MONDAY: 1}
    store.rollups.roll(quiet_seconds=0)
    assert by_day(store, tenant) == {MONDAY: 1}
    assert named(store, tenant) == ["ada"]
    assert store.rollups.differences(tenant) == []


ZONE_CHANGED_MEANWHILE = """
    import sys
    from pathlib import Path
    from rollbook.settings import load
    from rollbook.store import Store
    from tests.stories import happened, tell

    settings = load(data=Path(sys.argv[1]), roll_quiet_seconds=10**9)
    with Store(settings) as store:
        tell(store, "told", [happened("view", at="2026-03-02T20:00"), happened("view", at="2026-03-02T10:00")])
        tell(store, "default", [happened("view", at="2026-03-02T20:00")])
        store.rollups.roll(quiet_seconds=0)
        store.records.set_timezone("told", "Pacific/Auckland")
    with Store(settings) as store:
        print(sorted(store.rollups.hot("told"))[:1] != [], store.rollups.hot("default"))
        print(store.rollups.differences())
        days = store.engine.query("select day from activity where tenant = 'told' order by day")
        print(*(row["day"] for row in days))
    with Store(settings) as store:
        print(store.rollups.hot("told"), store.rollups.hot("default"))
"""


def test_a_zone_that_changed_while_the_store_was_closed(tmp_path: Any) -> None:
    assert run(ZONE_CHANGED_MEANWHILE, tmp_path) == [
        "True frozenset()",
        "[]",
        "2026-03-02 2026-03-03",
        "frozenset() frozenset()",
    ]
