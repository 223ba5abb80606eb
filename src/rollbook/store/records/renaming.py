"""Renaming: users under other stored ids, in every column of every record that holds one."""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import JSON, Column, Connection, String, Table, cast, or_, select

from rollbook.store.records.tables import metadata


@dataclass(frozen=True, slots=True)
class Renaming:
    """Texts that are (in JSON: hold) what `pattern` finds are what `name` gives; `beginning` is how they begin."""

    beginning: str
    pattern: re.Pattern[str]
    name: Callable[[str], str]

    def of(self, value: Any) -> Any:
        """A value renamed: a text that is an id, or texts within JSON."""
        if isinstance(value, str):
            return self.name(value) if self.pattern.fullmatch(value) else value
        if value is None:
            return None
        return json.loads(self.pattern.sub(lambda found: self.name(found[0]), json.dumps(value, ensure_ascii=False)))


def rename(connection: Connection, tenant: str, renaming: Renaming, *, besides: Iterable[Table] = ()) -> int:
    """Rename a tenant's records of all tables, besides some; how many were changed."""
    changed, left = 0, []
    skipped = set(besides)
    # what others refer to comes first: it is there twice until they refer to its new form
    for table in metadata.sorted_tables:
        if "tenant" not in table.c or table in skipped:
            continue
        for row, values in _changes(connection, table, tenant, renaming):
            mine = [column == row[column.name] for column in table.primary_key]
            if _is_referred_to(table, values):
                connection.execute(table.insert().values({**row, **values}))
                left.append((table, mine))
            else:
                connection.execute(table.update().where(*mine).values(values))
            changed += 1
    for table, mine in reversed(left):
        connection.execute(table.delete().where(*mine))
    return changed


def _changes(
    connection: Connection, table: Table, tenant: str, renaming: Renaming
) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Rows that hold what is to be renamed, with the values that are to be theirs."""
    columns = [column for column in table.c if column.name != "tenant" and _holds_text(column)]
    if not columns:
        return
    like = [cast(column, String).like(f"%{renaming.beginning}%") for column in columns]
    rows = connection.execute(select(table).where(table.c.tenant == tenant, or_(*like))).mappings().all()
    for row in rows:
        values = {column.name: renaming.of(row[column.name]) for column in columns}
        values = {name: value for name, value in values.items() if value != row[name]}
        if values:
            yield dict(row), values


def _holds_text(column: Column[Any]) -> bool:
    return isinstance(column.type, String | JSON)


def _is_referred_to(table: Table, values: Mapping[str, Any]) -> bool:
    """Whether other tables refer to one of these columns."""
    keys = {column.name for column in table.primary_key} & values.keys()
    return bool(keys) and any(
        key.column.table is table and key.column.name in keys
        for other in metadata.sorted_tables
        for key in other.foreign_keys
    )
