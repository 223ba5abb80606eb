"""Migrations of the event tables: plain SQL files, applied in the order of their numbers, forward only."""

from importlib.resources import files

from rollbook.store.engine import Engine

LEDGER = """
create table if not exists migrations (number UInt32, name String, applied DateTime64(3, 'UTC') default now64(3))
engine = ReplacingMergeTree order by number settings fsync_after_insert = 1
"""


def migrate(engine: Engine) -> list[str]:
    """Apply what has not been applied yet; the names of what was."""
    engine.command(LEDGER)
    done = {row["number"] for row in engine.query("select number from migrations", unlimited=True)}
    fresh = [(number, name, sql) for number, name, sql in scripts() if number not in done]
    for number, name, sql in fresh:
        for statement in statements(sql):
            engine.command(statement)
        engine.command(
            "insert into migrations (number, name) select {number:UInt32}, {name:String}",
            {"number": number, "name": name},
        )
    return [name for _, name, _ in fresh]


def scripts() -> list[tuple[int, str, str]]:
    """Number, name and text of every migration."""
    found = [f for f in files("rollbook.store").joinpath("migrations").iterdir() if f.name.endswith(".sql")]
    return sorted((int(f.name.split("_")[0]), f.name, f.read_text("utf-8")) for f in found)


def statements(sql: str) -> list[str]:
    """The statements of a script, made safe to run again after a crash between two of them."""
    code = "\n".join(line for line in sql.splitlines() if not line.lstrip().startswith("--"))
    return [
        s.strip(" ;\n").replace("create table ", "create table if not exists ", 1)
        for s in code.split(";\n")
        if s.strip(" ;\n")
    ]
