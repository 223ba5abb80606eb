"""Segments: who is in them is a condition, which this only keeps."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import func, select

from rollbook.store.records import tables
from rollbook.store.records.database import Database, Record
from rollbook.store.records.segments.tables import segments


class Segments:
    """Segments of all tenants: `id, title, condition` (JSON), `made_by, created, changed`. Raises Unavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, row: Mapping[str, Any]) -> None:
        """Keep one, in place of what has its id."""
        with self._database.write() as connection:
            self._database.put_new(connection, tables.tenants, [{"id": row["tenant"]}])
            self._database.put(connection, segments, [row])

    def of(self, tenant: str) -> list[Record]:
        """A tenant's, by id."""
        return self._database.rows(select(segments).where(segments.c.tenant == tenant).order_by(segments.c.id))

    def one(self, tenant: str, segment: str) -> Record | None:
        """One of them, or None."""
        found = self._database.rows(select(segments).where(segments.c.tenant == tenant, segments.c.id == segment))
        return found[0] if found else None

    def count(self, tenant: str) -> int:
        """How many a tenant has."""
        counted = select(func.count().label("n")).select_from(segments).where(segments.c.tenant == tenant)
        found: int = self._database.rows(counted)[0]["n"]
        return found

    def delete(self, tenant: str, segment: str) -> None:
        """Forget one."""
        with self._database.write() as connection:
            connection.execute(segments.delete().where(segments.c.tenant == tenant, segments.c.id == segment))
