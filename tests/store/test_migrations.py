"""Migrations of the event tables: once each, also after a crash in the middle."""

import json
from pathlib import Path

import pytest

from rollbook.store.intake.derived import TYPES
from rollbook.store.migrate import scripts, statements
from tests.processes import run

TABLES = {
    "events", "rollup_days", "activity", "learner_days", "people", "event_keys", "ingest_counters", "dead_letters",
    "migrations",
}  # fmt: skip

MIGRATE = """
    import sys
    from pathlib import Path
    from rollbook.settings import load
    from rollbook.store.engine import Engine
    from rollbook.store.migrate import migrate, scripts, statements

    engine = Engine(load(data=Path(sys.argv[1])))
    if "torn" in sys.argv:
        for statement in statements(scripts()[0][2])[:2]:
            engine.command(statement)
    print(*migrate(engine))
    print(*(row["name"] for row in engine.query("select name from system.tables where database = 'default'")))
    engine.close()
"""

# to a folder as 0013 left it, with events that are laid out; torn: a first try got so many statements far
UPGRADE = """
    import json
    import sys
    from pathlib import Path
    from rollbook.settings import load
    from rollbook.store.engine import Engine
    from rollbook.store.intake.derived import TYPES
    from rollbook.store.intake.layouts import lay_out, missing
    from rollbook.store.migrate import LEDGER, migrate, scripts, statements

    engine = Engine(load(data=Path(sys.argv[1])))
    engine.command(LEDGER)
    for number, name, sql in scripts()[:13]:
        for statement in statements(sql):
            engine.command(statement)
        engine.command(f"insert into migrations (number, name) select {number}, '{name}'")
    insert = (
        "insert into events (tenant, id, type, user, timestamp, properties)"
        " select 'school', concat({when:String}, type), arrayJoin({types:Array(String)}) as type, 'ada',"
        " '2026-03-02 10:00:00', {told:String}"
    )
    types = [*TYPES, "page_view"]
    engine.command(insert, {"types": types, "when": "before", "told": json.dumps({"track": "a"})})
    engine.command("alter table events materialize projection by_type", settings={"mutations_sync": 1})
    for statement in statements(scripts()[13][2])[: int(sys.argv[2])]:
        engine.command(statement)
    assert migrate(engine)[0] == scripts()[13][1]
    engine.command(insert, {"types": types, "when": "after", "told": json.dumps({"track": "a"})})
    assert lay_out(engine, least=0, wait=True) == 2 * len(types)
    assert set(missing(engine).values()) == {0}
    rows = engine.query("select id, type, measured from events order by id", unlimited=True)
    print(json.dumps([[row["id"], row["type"], row["measured"]] for row in rows]))
    engine.close()
"""


def test_every_migration_is_applied_once(tmp_path: Path) -> None:
    first, tables = run(MIGRATE, tmp_path)
    assert first.split() == [name for _, name, _ in scripts()]
    assert set(tables.split()) >= TABLES
    second, same = run(MIGRATE, tmp_path)
    assert second == ""
    assert set(same.split()) == set(tables.split())


def test_a_migration_that_a_crash_cut_in_two_is_taken_up_again(tmp_path: Path) -> None:
    applied, tables = run(MIGRATE, tmp_path, "torn")
    assert applied.split() == [name for _, name, _ in scripts()]
    assert set(tables.split()) >= TABLES


@pytest.mark.parametrize("torn", [0, 3, 4, 8])
def test_what_attempts_say_is_copied_once_more_from_events_that_were_there(tmp_path: Path, torn: int) -> None:
    found = json.loads(run(UPGRADE, tmp_path, str(torn))[-1])
    assert len(found) == 2 * (len(TYPES) + 1)
    for _, kind, measured in found:
        assert measured == ('{"track": "a"}' if kind in TYPES else "")


def test_migrations_are_numbered_without_gaps() -> None:
    assert [number for number, _, _ in scripts()] == list(range(1, len(scripts()) + 1))


def test_statements_are_split_and_made_safe_to_repeat() -> None:
    script = "-- why\ncreate table a\n(\n    x Int8\n)\nengine = Memory;\n\n-- more\ninsert into a select 1;\n"
    assert statements(script) == [
        "create table if not exists a\n(\n    x Int8\n)\nengine = Memory",
        "insert into a select 1",
    ]
