"""The engine: limits that are kept and named, values that travel unharmed."""

from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow as pa
import pytest

from rollbook.errors import Invalid, Unavailable
from rollbook.store import Store
from tests.processes import run

NASTY = 'tab\t newline\n null\0 backslash\\ quote\' "{x:String}" é ☺ 💥'


def test_values_travel_as_they_are(store: Store) -> None:
    sql = (
        "select {s:String} as s, {a:Array(String)} as a, {d:Date} as d, {n:UInt64} as n, {t:DateTime64(3, 'UTC')} as t"
    )
    row = {
        "s": NASTY, "a": [NASTY, ""], "d": date(2026, 3, 29), "n": 2**64 - 1,
        "t": datetime(2026, 3, 29, 1, 30, 0, 123_000, UTC),
    }  # fmt: skip
    assert store.engine.query(sql, row) == [row]


def test_keys_of_128_bits_are_found(store: Store) -> None:
    high = 2**128 - 1
    sql = "select {h:Array(UInt128)} as found"
    assert store.engine.query(sql, {"h": [0, high]}) == [{"found": [0, high]}]


def test_rows_come_as_arrow_and_block_by_block(store: Store) -> None:
    sql = "select number as n, toString(number) as text from numbers(100000) order by n"
    table = store.engine.query_arrow(sql)
    assert table.num_rows == 100_000
    assert table.schema.field("text").type == pa.string()
    blocks = list(store.engine.stream(sql))
    assert [row for block in blocks for row in block] == list(zip(*table.to_pydict().values(), strict=True))
    assert len(blocks) > 1


def test_other_questions_are_asked_while_a_stream_is_open(store: Store) -> None:
    rows = 0
    for block in store.engine.stream("select number from numbers(200000)"):
        assert store.engine.query("select 1 as one") == [{"one": 1}]
        rows += len(block)
    assert rows == 200_000


def test_what_is_wrong_is_said(store: Store) -> None:
    with pytest.raises(Unavailable, match="nowhere"):
        store.engine.query("select * from nowhere")
    with pytest.raises(Invalid, match="outside of what can be asked"):
        store.engine.query("select {d:Date} as d", {"d": "the day after"})


LIMITS = """
    import sys
    from pathlib import Path
    from rollbook.errors import QueryTimeout, Unavailable
    from rollbook.settings import load
    from rollbook.store import Store
    from tests.stories import happened, tell

    settings = load(data=Path(sys.argv[1]), parallel_queries=1, max_query_ms=700, memory_bytes=600 << 20)
    with Store(settings) as store:
        stream = store.engine.stream("select number from numbers(1000000)")
        next(stream)
        try:
            store.engine.query("select 1")
        except Unavailable as error:
            print(error.detail)
        tell(store, "limited", [happened("view")])
        print(store.engine.query("select count() as n from events", unlimited=True))
        stream.close()
        for question, unlimited in (
            ("select sum(sipHash64(number)) from numbers(1000000000000)", False),
            ("select length(groupArray(number)) from numbers(1000000000)", True),
        ):
            try:
                store.engine.query(question, unlimited=unlimited)
            except QueryTimeout as error:
                print(error.status, error.detail)
            except Unavailable as error:
                print(error.status, error.detail)
        store.engine.command("insert into function null('x UInt64') select sum(sleepEachRow(0.25)) from numbers(4)")
        print(store.engine.query("select count() as n from events"))
"""


def test_each_limit_is_named_and_the_store_goes_on(tmp_path: Path) -> None:
    parallel, written, timed, memory, after = run(LIMITS, tmp_path)
    assert "1 questions are running already (PARALLEL_QUERY_LIMIT)" in parallel
    assert written == after == "[{'n': 1}]"
    assert timed.startswith("504")
    assert "MAX_QUERY_EXECUTION_TIME_MS" in timed
    assert memory.startswith("503")
    assert "ROLLBOOK_MEMORY_BYTES" in memory
