"""Erasing: removes people from every table of events, and waits until the parts that held them have left the disk.

Mutations are written to files that stay. So none names a person: they name the table `erasing`, which is in memory and
holds who is meant while they run.
"""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import pyarrow as pa

from rollbook.errors import Unavailable
from rollbook.store.engine import Engine, Row
from rollbook.store.erasing.words import NEVER, keyed_pattern, telling_pattern
from rollbook.store.intake.derived import EVENTS, all_but, follow
from rollbook.store.intake.layouts import change

# the table holds one person at a time
_one_at_a_time = threading.Lock()

MUTATION = {"mutations_sync": 2}
WAIT_SECONDS = 600
ERASED = "erased"

# whose rows leave in another way (the trail), or belong to nobody
NOT_HERE = ("audit", "erasing")

# texts of other people's rows in which a person may be named, where a table has them and is not ordered by them
TEXTS = ("properties", "session", "content", "concept", "conversation", "text")

TABLES = """
select table, groupArray(name) as columns, groupArrayIf(name, is_in_sorting_key) as ordered from system.columns
where database = currentDatabase()
  and table in (select name from system.tables where database = currentDatabase() and engine like '%MergeTree')
group by table having has(columns, 'tenant') and (has(columns, 'user') or has(columns, 'person')) order by table
"""
OLD_PARTS = """
select table, name from system.parts
where database = currentDatabase() and not active and table in {tables:Array(String)}
"""
MUTATIONS = "select table, command from system.mutations where database = currentDatabase()"
UNFINISHED = """
kill mutation where database = currentDatabase() and not is_done and position(command, 'erasing') > 0 sync
"""


@dataclass(frozen=True, slots=True)
class Target:
    """A table that holds people: by `user`, else by `person`, the hash of it; `texts` may name others."""

    table: str
    by: str
    texts: tuple[str, ...]

    @property
    def theirs(self) -> str:
        """Which rows are the person's."""
        chosen = "user" if self.by == "user" else "sipHash64(user)"
        return f"tenant = {{tenant:String}} and {self.by} in (select {chosen} from erasing where user != '')"

    @property
    def named(self) -> str:
        """Which rows name the person in a text."""
        found = (f"match({text}, {_pattern(kind)})" for text in self.texts for kind in ("telling", "keyed"))
        return f"tenant = {{tenant:String}} and ({' or '.join(found)})"

    @property
    def renamed(self) -> str:
        """The texts without the person: twice, since two names may share the character between them."""
        texts = {text: _without("keyed", _without("telling", _without("telling", text))) for text in self.texts}
        changes = [f"{text} = {without}" for text, without in texts.items()]
        return ", ".join(changes + ([follow(f"assumeNotNull({texts['properties']})")] if self.table == EVENTS else []))


class Erasing:
    """The steps of an erasure in the event tables; each may be done again without harm, others write meanwhile."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @contextmanager
    def of(self, users: Sequence[str], words: Sequence[str] = ()) -> Iterator[None]:
        """While it lasts, the statements mean these users (as stored) and these words. One erasure at a time."""
        patterns = {"telling": telling_pattern(words), "keyed": keyed_pattern(words)}
        rows = [{"user": user, "kind": "", "text": ""} for user in users]
        rows += [{"user": "", "kind": kind, "text": text} for kind, text in patterns.items()]
        with _one_at_a_time:
            self._give_up_unfinished()
            try:
                self._engine.insert("erasing", pa.Table.from_pylist(rows))
                yield
            finally:
                self._engine.command("truncate table erasing")

    def targets(self) -> list[Target]:
        """Every table that holds people, the events first: no rollup is filled again from what is still there."""
        found = [_target(row) for row in self._engine.query(TABLES, unlimited=True)]
        return sorted((one for one in found if not one.table.startswith(NOT_HERE)), key=lambda one: one.table != EVENTS)

    def held(self, tenant: str) -> dict[str, int]:
        """How many rows of the person there are by table."""
        found = {target.table: self._count(target, target.theirs, tenant) for target in self.targets()}
        return {table: rows for table, rows in found.items() if rows}

    def rows(self, target: Target, tenant: str) -> list[Row]:
        """The person's rows of a table, all columns."""
        sql = f"select {all_but(target.table)} from {target.table} where {target.theirs}"
        return self._engine.query(sql, {"tenant": tenant}, settings={"final": 1}, unlimited=True)

    def remove(self, tenant: str) -> dict[str, int]:
        """Remove the person's rows; how many there were by table."""
        removed: dict[str, int] = {}
        for target in self.targets():
            if rows := self._count(target, target.theirs, tenant):
                removed[target.table] = rows
                self._change(target, f"delete where {target.theirs}", tenant)
            self._drop_masked(target.table)
        return removed

    def redact(self, tenant: str) -> dict[str, int]:
        """Put `erased` in place of the words in other people's rows; how many rows by table."""
        changed: dict[str, int] = {}
        for target in self.targets():
            if target.texts and (rows := self._count(target, target.named, tenant)):
                changed[target.table] = rows
                self._change(target, f"update {target.renamed} where {target.named}", tenant)
        return changed

    def remove_letters(self, tenant: str, ids: Sequence[str]) -> int:
        """Remove dead letters by their ids, which are nobody's; how many."""
        sql = "alter table dead_letters delete where tenant = {tenant:String} and id in {ids:Array(String)}"
        for start in range(0, len(ids), 500):
            self._engine.command(sql, {"tenant": tenant, "ids": list(ids[start : start + 500])}, settings=MUTATION)
        return len(ids)

    def forget_mutations(self, words: Sequence[str]) -> int:
        """Let go of the files of earlier mutations that hold one of these words; how many there were."""
        found = self._engine.query(MUTATIONS, unlimited=True)
        named = [row["table"] for row in found if any(word in row["command"] for word in words)]
        for table in sorted(set(named)):
            self._engine.command(f"alter table {table} modify setting finished_mutations_to_keep = 1")
            try:
                self._wait_for_mutations(table, words)
            finally:
                self._engine.command(f"alter table {table} reset setting finished_mutations_to_keep")
        return len(named)

    def _wait_for_mutations(self, table: str, words: Sequence[str]) -> None:
        end = time.monotonic() + WAIT_SECONDS
        # the newest is kept, so it must be one that says nothing
        self._engine.command(f"alter table {table} delete where false", settings=MUTATION)
        while self._named_by_mutations(table, words):
            if time.monotonic() > end:
                raise Unavailable(f"files of mutations of {table} that name a person are still there")
            time.sleep(0.2)

    def _named_by_mutations(self, table: str, words: Sequence[str]) -> bool:
        found = self._engine.query(MUTATIONS, unlimited=True)
        return any(row["table"] == table and word in row["command"] for row in found for word in words)

    def leave_no_parts(self, wait_seconds: float = WAIT_SECONDS) -> int:
        """Wait until every part that was replaced by now has left the disk; how many did. Raises Unavailable."""
        tables = [*(target.table for target in self.targets()), "dead_letters"]
        for table in tables:
            self._engine.command(f"alter table {table} modify setting old_parts_lifetime = 1")
        try:
            return self._wait(tables, wait_seconds)
        finally:
            for table in tables:
                self._engine.command(f"alter table {table} reset setting old_parts_lifetime")

    def _give_up_unfinished(self) -> None:
        """Mutations that a crash has left undone mean nobody any more."""
        self._engine.command("truncate table erasing")
        self._engine.command(UNFINISHED)

    def _wait(self, tables: list[str], wait_seconds: float) -> int:
        old = self._old_parts(tables)
        end = time.monotonic() + wait_seconds
        while left := old & self._old_parts(tables):
            if time.monotonic() > end:
                some = ", ".join(f"{table}/{name}" for table, name in sorted(left)[:3])
                raise Unavailable(f"replaced parts are still being read, and so are still there: {some}")
            time.sleep(0.2)
        return len(old)

    def _old_parts(self, tables: list[str]) -> set[tuple[str, str]]:
        rows = self._engine.query(OLD_PARTS, {"tables": tables}, unlimited=True)
        return {(row["table"], row["name"]) for row in rows}

    def _count(self, target: Target, where: str, tenant: str) -> int:
        sql = f"select count() as n from {target.table} where {where}"
        rows: int = self._engine.query(sql, {"tenant": tenant}, unlimited=True)[0]["n"]
        return rows

    def _drop_masked(self, table: str) -> None:
        """Rows that a lightweight delete only hid, in whatever part they still are."""
        hidden = "select count() as n from system.parts where database = currentDatabase() and table = {table:String}"
        hidden += " and active and has_lightweight_delete"
        if self._engine.query(hidden, {"table": table}, unlimited=True)[0]["n"]:
            self._engine.command(f"alter table {table} apply deleted mask", settings=MUTATION)

    def _change(self, target: Target, what: str, tenant: str) -> None:
        statement = f"alter table {target.table} {what}"
        change(self._engine, statement, {"tenant": tenant}, settings=MUTATION, table=target.table)


def _target(row: Row) -> Target:
    texts = tuple(text for text in TEXTS if text in row["columns"] and text not in row["ordered"])
    return Target(row["table"], "user" if "user" in row["columns"] else "person", texts)


def _pattern(kind: str) -> str:
    """What a crash has left of a mutation finds the table empty, and must do nothing then rather than fail for ever."""
    never = NEVER.replace("\\", "\\\\")
    return f"(select if(count() = 0, '{never}', any(text)) from erasing where kind = '{kind}')"


def _without(kind: str, text: str) -> str:
    return rf"replaceRegexpAll({text}, {_pattern(kind)}, '\\1{ERASED}\\2')"
