"""Rewriting: writes rows of the event tables anew under other users, a stretch at a time, so that a kill loses nothing.

A stretch is a partition of a table. Its rows are written in their new form beside the old ones ("copying"); once as
many are there, that is noted ("copied"), and the old ones are deleted. Meanwhile nobody may read or write the tenant's.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from rollbook.errors import Unavailable
from rollbook.store.engine import Engine, Row
from rollbook.store.intake.derived import all_but
from rollbook.store.intake.layouts import change

# every table of rows about users that are not filled again from others; what may name users in texts
TABLES: dict[str, tuple[str, ...]] = {
    "events": ("properties", "session", "content", "concept", "conversation", "source", "channel"),
    "sealed_activity": (),
    "message_texts": ("text", "conversation"),
}
# filled again from those
FOLLOWING = ("activity", "learner_days", "people")

PAGE = 100_000
MUTATION = {"mutations_sync": 2}

# a pseudonym of one version: of a user, or in the properties of nobody's events
_HAS = r"""
(startsWith(user, concat('p', {%s:String}, '_')){more})
"""
_IN_PROPERTIES = (
    r" or (user = '' and match(properties, concat('(^|[^A-Za-z0-9_-])p', {%s:String}, "
    r"'_[A-Za-z0-9_-]{24}($|[^A-Za-z0-9_-])')))"
)


@dataclass(frozen=True, slots=True)
class Stretch:
    """A partition of a table, and how many of the tenant's rows in it are in the old form."""

    table: str
    partition: str
    rows: int

    @property
    def name(self) -> str:
        """How it is called in the records."""
        return f"{self.table}/{self.partition}"


class Rewriting:
    """The rows of one tenant, from the pseudonyms of one version (`old`) to those of another (`new`)."""

    def __init__(self, engine: Engine, tenant: str, old: int, new: int) -> None:
        self._engine = engine
        self._bound: Row = {"tenant": tenant, "old": str(old), "new": str(new)}
        self._pattern = pattern_of(str(old))

    def stretches(self) -> list[Stretch]:
        """Those that hold rows in the old form."""
        found = []
        for table in TABLES:
            sql = f"select _partition_id as p, count() as n from {table} where {self._those(table, 'old')} group by p"
            rows = self._engine.query(sql + " order by p", self._bound, unlimited=True)
            found += [Stretch(table, row["p"], row["n"]) for row in rows]
        return found

    def copy(self, stretch: Stretch, name: Callable[[str], str], *, torn: bool) -> None:
        """Write the rows of a stretch in their new form. `torn`: what an earlier try left of it is removed first."""
        if torn and self._count(stretch, "new"):
            self._delete(stretch, "new")
        written = 0
        for rows in self._pages(stretch):
            self._engine.insert(stretch.table, _later(renamed(rows, stretch.table, self._pattern, name)))
            written += len(rows)
        if written != stretch.rows:
            raise Unavailable(f"{stretch.name}: {written} of {stretch.rows} rows were written anew; try again")

    def drop(self, stretch: Stretch) -> None:
        """Delete the rows of a stretch in their old form."""
        self._delete(stretch, "old")

    def _those(self, table: str, form: str) -> str:
        more = _IN_PROPERTIES % form if "properties" in TABLES[table] else ""
        return "tenant = {tenant:String} and " + (_HAS % form).strip().replace("{more}", more)

    def _pages(self, stretch: Stretch) -> Iterator[pa.Table]:
        pages = stretch.rows // PAGE + 1
        sql = (
            f"select {all_but(stretch.table)} from {stretch.table} where _partition_id = {{partition:String}}"
            f" and {self._those(stretch.table, 'old')} and cityHash64(user, {_NAMES[stretch.table]}) %"
            " {pages:UInt32} = {page:UInt32}"
        )
        for page in range(pages):
            bound = self._bound | {"partition": stretch.partition, "pages": pages, "page": page}
            yield self._engine.query_arrow(sql, bound)

    def _count(self, stretch: Stretch, form: str) -> int:
        sql = f"select count() as n from {stretch.table} where _partition_id = {{partition:String}} and "
        bound = self._bound | {"partition": stretch.partition}
        rows: int = self._engine.query(sql + self._those(stretch.table, form), bound, unlimited=True)[0]["n"]
        return rows

    def _delete(self, stretch: Stretch, form: str) -> None:
        sql = f"alter table {stretch.table} delete where _partition_id = {{partition:String}} and "
        sql += self._those(stretch.table, form)
        bound = self._bound | {"partition": stretch.partition}
        change(self._engine, sql, bound, settings=MUTATION, table=stretch.table)


_NAMES = {"events": "id", "sealed_activity": "course", "message_texts": "id"}


def pattern_of(version: str) -> re.Pattern[str]:
    """A pseudonym within a text; `version` is an expression of versions."""
    return re.compile(rf"(?<![A-Za-z0-9_-])p{version}_[A-Za-z0-9_-]{{24}}(?![A-Za-z0-9_-])", re.ASCII)


def renamed(rows: pa.Table, table: str, pattern: re.Pattern[str], name: Callable[[str], str]) -> pa.Table:
    """Rows of a table with the pseudonyms of their users, and in their texts, renamed."""

    def text(value: str) -> str:
        return pattern.sub(lambda found: name(found[0]), value)

    for column in ("user", *TABLES[table]):
        if pc.any(pc.match_substring_regex(rows[column].cast(pa.string()), "p[0-9]+_")).as_py():
            rows = _with(rows, column, [text(value) for value in rows[column].to_pylist()])
    return rows


def _later(rows: pa.Table) -> pa.Table:
    """Of two rows of one key the one with the later stamp stays, where a table has stamps."""
    if "stamp" not in rows.column_names:
        return rows
    stamps = pc.add(rows["stamp"], pa.scalar(1, pa.uint64()))
    return rows.set_column(rows.schema.get_field_index("stamp"), "stamp", stamps)


def _with(rows: pa.Table, name: str, values: list[str]) -> pa.Table:
    field = rows.schema.field(name)
    return rows.set_column(rows.schema.get_field_index(name), field, pa.array(values, pa.string()).cast(field.type))
