"""Server mode: the same store over ClickHouse's HTTP interface, in this process, beside the embedded one."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow as pa
import pytest

from rollbook.analyses.active_users import ActiveUsers
from rollbook.analyses.ask import ask
from rollbook.errors import Invalid, QueryTimeout, Unavailable
from rollbook.settings import Settings, load
from rollbook.store import Store, dead_letters, events, keys
from rollbook.store.dead_letters import DeadLetter
from rollbook.store.engine import Engine
from tests.services import clickhouse, free_port
from tests.stories import happened, tell

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
TUESDAY = ActiveUsers(as_of=datetime(2026, 3, 3, 23, tzinfo=UTC), days=3)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a ClickHouse."""
    with clickhouse(tmp_path_factory.mktemp("clickhouse")) as url:
        yield url


@pytest.fixture
def served(server: str, tmp_path: Path, tenant: str) -> Settings:
    """Settings of a store in a database of its own, which is not there yet."""
    return load(data=tmp_path, clickhouse_url=f"{server}/{tenant.replace('-', '_')}", roll_quiet_seconds=10**9)


def test_events_are_written_asked_about_rolled_and_there_after_a_restart(served: Settings) -> None:
    with Store(served) as store:
        assert not store.engine.embedded
        tell(store, "a", [happened("view"), happened("view", "bob", "2026-03-03T10:00"), happened("view", "")])
        before = ask(store, TUESDAY, "a").rows
        assert [(row.day.day, row.dau, row.mau) for row in before] == [(1, 0, 0), (2, 1, 1), (3, 1, 2)]
        assert store.rollups.roll(quiet_seconds=0) == 2
        assert ask(store, TUESDAY, "a").rows == before
        tell(store, "a", [happened("view", "eve", "2026-03-03T11:00")])
    with Store(served) as store:
        assert store.rollups.hot("a") == {date(2026, 3, 3)}
        assert [row.mau for row in ask(store, TUESDAY, "a").rows] == [0, 1, 3]
        assert store.rollups.differences() == []
        store.set_timezone("a", "Pacific/Auckland")
        # 10:00 and 11:00 in UTC are 23:00 of the same day and 00:00 of the next
        late = ActiveUsers(as_of=datetime(2026, 3, 3, 23, tzinfo=UTC), days=3)
        assert [(row.day.day, row.dau) for row in ask(store, late, "a").rows] == [(2, 1), (3, 1), (4, 1)]
        assert store.rollups.differences() == []
    assert not (served.data / "clickhouse").exists()


def test_values_travel_as_they_are(served: Settings) -> None:
    engine = Engine(served)
    nasty = "tab\t newline\n null\0 backslash\\ quote' & = % + é ☺ 💥"
    row = {"s": nasty, "a": [nasty, ""], "d": date(2026, 3, 29), "n": 2**64 - 1}
    sql = "select {s:String} as s, {a:Array(String)} as a, {d:Date} as d, {n:UInt64} as n"
    assert engine.query(sql, row) == [row]
    assert engine.query_arrow("select number as n from numbers(3)")["n"].to_pylist() == [0, 1, 2]
    rows = [row for block in engine.stream("select number from numbers(200000)") for row in block]
    assert (len(rows), rows[-1]) == (200_000, (199_999,))
    engine.command("create table kept (n UInt64, s String) engine = MergeTree order by n")
    engine.insert("kept", pa.table({"n": range(10_000), "s": [nasty] * 10_000}))
    assert engine.query("select count() as n, any(s) as s from kept") == [{"n": 10_000, "s": nasty}]
    engine.close()


def test_long_lists_fit_into_what_a_server_takes(served: Settings) -> None:
    with Store(served) as store:
        names = [f"{'long-' * 10}{n}" for n in range(6_000)]
        tell(store, "a", [happened("view", id=name) for name in names])
        keys.catch_up(store.engine, 30)
        wanted = [keys.number_of(keys.key_of("a", name)) for name in names]
        assert keys.known(store.engine, [*wanted, 1, 2, 3], LONG_AGO) == set(wanted)
        pairs = [("a", name) for name in names]
        assert events.stored_keys(store.engine, [*pairs, ("b", names[0])], LONG_AGO) == set(pairs)
        letters = [
            DeadLetter(tenant="a", dialect="native", stage="s", reason="r", detail="", position=n, body=b"{}")
            for n in range(6_000)
        ]
        ids = dead_letters.add(store.engine, letters, datetime(2026, 3, 2, tzinfo=UTC), 1_000)
        assert [row["position"] for row in dead_letters.found(store.engine, "a", ids)] == list(range(6_000))
        dead_letters.mark_replayed(store.engine, "a", ids, datetime(2026, 3, 3, tzinfo=UTC))
        assert [row["replayed"] for row in dead_letters.counted(store.engine, "a")] == [6_000]


def test_a_question_that_takes_too_long(served: Settings) -> None:
    engine = Engine(served.model_copy(update={"max_query_ms": 200}))
    with pytest.raises(QueryTimeout, match="MAX_QUERY_EXECUTION_TIME_MS"):
        engine.query("select sum(sipHash64(number)) from numbers(1000000000000)")
    with pytest.raises(Unavailable, match="nowhere"):
        engine.query("select * from nowhere")
    with pytest.raises(Invalid, match="outside of what can be asked"):
        engine.query("select {d:Date} as d", {"d": "the day after"})
    engine.close()


def test_a_server_that_is_away(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="cannot reach ROLLBOOK_CLICKHOUSE_URL"):
        Store(load(data=tmp_path, clickhouse_url=f"http://ada:secret@127.0.0.1:{free_port()}/rollbook"))
    with pytest.raises(Invalid, match="must be http://"):
        Store(load(data=tmp_path, clickhouse_url="clickhouse:9000"))


def test_a_server_that_goes_away_and_comes_back(tmp_path: Path) -> None:
    with clickhouse(tmp_path / "server") as url:
        engine = Engine(load(data=tmp_path, clickhouse_url=url))
        assert engine.query("select 1 as one") == [{"one": 1}]
    with pytest.raises(Unavailable, match="the store failed"):
        engine.query("select 1 as one")
    with pytest.raises(Unavailable, match="the store failed"):
        engine.insert("events", pa.table({"id": ["x"]}))
    engine.close()


def test_an_insert_that_was_given_up_is_seen_while_it_runs(served: Settings) -> None:
    slow = """
    insert into events (tenant, id, type, timestamp, received, properties)
    select 't', toString(number), 'seen', now64(3), now64(3), '{}' from numbers(6) where sleepEachRow(0.5) = 0
    """
    with Store(served) as store, ThreadPoolExecutor(1) as pool:
        assert not events.inserting(store.engine)
        running = pool.submit(store.engine.command, slow, settings={"max_block_size": 1})
        while not (seen := events.inserting(store.engine)) and not running.done():
            pass
        assert seen
        running.result()
        assert not events.inserting(store.engine)
