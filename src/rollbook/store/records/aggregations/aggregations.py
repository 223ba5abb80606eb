"""Saved aggregations of streams, by tenant and id."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import func, select

from rollbook.errors import Conflict
from rollbook.store.records import tables
from rollbook.store.records.aggregations.tables import aggregations
from rollbook.store.records.database import Database, Record

MOST = 1_000


class AggregationRecords:
    """Rows of `aggregations`. Raises Unavailable if the database cannot be used."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, row: Mapping[str, Any]) -> None:
        """Keep a new one. Raises Conflict if its id is taken, or the tenant has too many."""
        of = aggregations.c.tenant == row["tenant"]
        with self._database.write() as connection:
            self._database.put_new(connection, tables.tenants, [{"id": row["tenant"]}])
            if connection.scalar(select(aggregations.c.id).where(of, aggregations.c.id == row["id"])) is not None:
                raise Conflict(f"there is an aggregation {row['id']!r} already; PUT changes it")
            if (connection.scalar(select(func.count()).select_from(aggregations).where(of)) or 0) >= MOST:
                raise Conflict(f"there are {MOST} aggregations already; remove some first")
            connection.execute(aggregations.insert(), [dict(row)])

    def change(self, tenant: str, aggregation: str, definition: Mapping[str, Any]) -> bool:
        """Replace a definition; whether there was one."""
        of = (aggregations.c.tenant == tenant) & (aggregations.c.id == aggregation)
        with self._database.write() as connection:
            changed = aggregations.update().where(of).values(definition=dict(definition))
            return bool(connection.execute(changed).rowcount)

    def remove(self, tenant: str, aggregation: str) -> bool:
        """Remove one; whether there was one."""
        of = (aggregations.c.tenant == tenant) & (aggregations.c.id == aggregation)
        with self._database.write() as connection:
            return bool(connection.execute(aggregations.delete().where(of)).rowcount)

    def find(self, tenant: str, aggregation: str) -> Record | None:
        """One by its id."""
        of = (aggregations.c.tenant == tenant) & (aggregations.c.id == aggregation)
        found = self._database.rows(select(aggregations).where(of))
        return found[0] if found else None

    def listed(self, tenant: str) -> list[Record]:
        """All of a tenant, by id."""
        chosen = select(aggregations).where(aggregations.c.tenant == tenant)
        return self._database.rows(chosen.order_by(aggregations.c.id))
