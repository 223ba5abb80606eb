"""Definition records: JSON Schemas by tenant and event type."""

import secrets
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import func, select

from rollbook.errors import TooLarge
from rollbook.store.records import tables
from rollbook.store.records.database import Database, Record
from rollbook.store.records.definitions.tables import event_definitions

# below what a sum of a thousand of them takes in SQLite's and PostgreSQL's whole numbers
STAMP_BITS = 50


class DefinitionRecords:
    """Rows of `event_definitions`. Raises Unavailable if the database cannot be used."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, tenant: str, type: str, schema: dict[str, Any], description: str, *, most: int) -> bool:
        """Keep a definition; whether it is a new one. Raises TooLarge where a tenant has `most` already."""
        mine = event_definitions.c.tenant == tenant
        row: Record = {"tenant": tenant, "type": type, "schema": schema, "description": description}
        row |= {"stamp": secrets.randbits(STAMP_BITS), "changed": datetime.now(UTC)}
        with self._database.write() as connection:
            self._database.put_new(connection, tables.tenants, [{"id": tenant}])
            # SQLite has the whole file locked by now, and leaves `for update` out
            connection.execute(select(tables.tenants.c.id).where(tables.tenants.c.id == tenant).with_for_update())
            one = select(event_definitions.c.type).where(mine, event_definitions.c.type == type)
            is_new = connection.scalar(one) is None
            counted = select(func.count()).select_from(event_definitions).where(mine)
            if is_new and connection.execute(counted).scalar_one() >= most:
                raise TooLarge(f"tenant {tenant!r} has {most} event definitions, which is the most; remove one first")
            self._database.put(connection, event_definitions, [row])
        return is_new

    def remove(self, tenant: str, type: str) -> bool:
        """Remove a definition; False: there is none."""
        mine = (event_definitions.c.tenant == tenant, event_definitions.c.type == type)
        with self._database.write() as connection:
            return bool(connection.execute(event_definitions.delete().where(*mine)).rowcount)

    def version(self, tenant: str) -> tuple[int, int]:
        """Another one after every change of the tenant's definitions, whichever process made it."""
        counted = select(func.count().label("n"), func.coalesce(func.sum(event_definitions.c.stamp), 0).label("stamps"))
        row = self._database.rows(counted.where(event_definitions.c.tenant == tenant))[0]
        return row["n"], int(row["stamps"])

    def of(self, tenant: str) -> list[Record]:
        """`type, description, schema, stamp, changed` of a tenant's definitions, by type."""
        chosen = select(event_definitions).where(event_definitions.c.tenant == tenant)
        return self._database.rows(chosen.order_by(event_definitions.c.type))

    def one(self, tenant: str, type: str) -> Record | None:
        """One definition, or None."""
        mine = (event_definitions.c.tenant == tenant, event_definitions.c.type == type)
        found = self._database.rows(select(event_definitions).where(*mine))
        return found[0] if found else None
