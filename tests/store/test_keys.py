"""Keys: filled from the events, in any order of crashes, and looked up."""

from datetime import UTC, datetime, timedelta

from rollbook.store import Store, events, keys
from tests.stories import happened, tell

DAY = timedelta(days=1)


def unsigned(tenant: str, *names: str) -> list[int]:
    """The keys as the table holds them."""
    return [keys.number_of(keys.key_of(tenant, name)) for name in names]


def held(store: Store, wanted: list[int]) -> int:
    """How many of the keys the table holds, repeated ones counted each time."""
    sql = "select count() as n from event_keys where h in {keys:Array(UInt128)}"
    found: int = store.engine.query(sql, {"keys": wanted})[0]["n"]
    return found


def test_the_table_hashes_as_the_way_in_does(store: Store, tenant: str) -> None:
    names = ["e-1", "", "é ☺", "tab\t", "a" * 256, "\x1f"]
    tell(store, tenant, [happened("view", id=name) for name in names])
    keys.catch_up(store.engine, 30)
    wanted = unsigned(tenant, *names)
    assert keys.known(store.engine, [*wanted, *unsigned(tenant, "never")], datetime(2000, 1, 1, tzinfo=UTC)) == set(
        wanted
    )
    assert keys.key_of("a", "b-c") != keys.key_of("a-b", "c")


def test_filling_twice_does_no_harm(store: Store, tenant: str) -> None:
    now = datetime.now(UTC)
    tell(
        store, tenant, [happened("view", id=f"k{n}", received=now + n * timedelta(milliseconds=1)) for n in range(100)]
    )
    for _ in range(3):
        keys.catch_up(store.engine, 30)
    wanted = unsigned(tenant, *(f"k{n}" for n in range(100)))
    keys.fill(store.engine, now - DAY, now + DAY)
    store.engine.command("optimize table event_keys final")
    assert held(store, wanted) == 100
    mark = keys.watermark(store.engine)
    assert mark is not None
    assert mark >= now + timedelta(milliseconds=98)


def test_only_keys_of_the_window_are_known(store: Store, tenant: str) -> None:
    now = datetime.now(UTC)
    tell(
        store, tenant, [happened("view", id="old", received=now - 40 * DAY), happened("view", id="young", received=now)]
    )
    keys.fill(store.engine, now - 50 * DAY, now)
    old, young = unsigned(tenant, "old", "young")
    assert keys.known(store.engine, [old, young], now - 30 * DAY) == {young}
    assert keys.known(store.engine, [old, young], now - 50 * DAY) == {old, young}
    assert set(unsigned(tenant, "young")) <= {
        keys.number_of(key) for block in keys.since(store.engine, now - DAY) for key in block
    }


def test_whole_months_before_the_window_are_forgotten(store: Store, tenant: str) -> None:
    long_ago, later = datetime(2019, 5, 20, tzinfo=UTC), datetime(2019, 6, 2, tzinfo=UTC)
    told = [happened("view", id="may", received=long_ago), happened("view", id="june", received=later)]
    tell(store, tenant, told)
    keys.fill(store.engine, long_ago - DAY, later + DAY)
    keys.expire(store.engine, datetime(2019, 6, 30, tzinfo=UTC))
    may, june = unsigned(tenant, "may", "june")
    assert keys.known(store.engine, [may, june], long_ago - DAY) == {june}


def test_what_a_torn_insert_left_behind_is_found(store: Store, tenant: str) -> None:
    now = datetime.now(UTC)
    tell(store, tenant, [happened("view", id="left", received=now), happened("view", id="older", received=now - DAY)])
    asked = [(tenant, "left"), (tenant, "older"), (tenant, "lost"), ("somebody else", "left")]
    assert events.stored_keys(store.engine, asked, now - timedelta(hours=1)) == {(tenant, "left")}
    assert events.stored_keys(store.engine, [], now) == set()
