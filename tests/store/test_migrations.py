"""Migrations of the event tables: once each, also after a crash in the middle."""

from pathlib import Path

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


def test_migrations_are_numbered_without_gaps() -> None:
    assert [number for number, _, _ in scripts()] == list(range(1, len(scripts()) + 1))


def test_statements_are_split_and_made_safe_to_repeat() -> None:
    script = "-- why\ncreate table a\n(\n    x Int8\n)\nengine = Memory;\n\n-- more\ninsert into a select 1;\n"
    assert statements(script) == [
        "create table if not exists a\n(\n    x Int8\n)\nengine = Memory",
        "insert into a select 1",
    ]
