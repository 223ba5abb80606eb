"""Records of access: keys, by their hashes."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import func, or_, select

from rollbook.store.records import tables
from rollbook.store.records.access_tables import keys
from rollbook.store.records.database import Database, Record


class KeyRecords:
    """The keys of all tenants; a record is a dict with the columns of `access_tables.keys`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, row: Mapping[str, Any], tenant: Mapping[str, Any] | None = None) -> None:
        """Keep a new key, and its tenant where one is given that is not there. Raises Invalid without a tenant."""
        with self._database.write() as connection:
            if tenant is not None:
                self._database.put_new(connection, tables.tenants, [tenant])
            connection.execute(keys.insert(), dict(row))

    def add_first(self, row: Mapping[str, Any], tenant: Mapping[str, Any]) -> bool:
        """Keep the first key of all, and its tenant unless it is there; False: there was a key already."""
        with self._database.write() as connection:
            if connection.scalar(select(func.count()).select_from(keys)):
                return False
            self._database.put_new(connection, tables.tenants, [tenant])
            connection.execute(keys.insert(), dict(row))
        return True

    def change(self, tenant: str, key: str, changes: Mapping[str, Any]) -> bool:
        """Change a tenant's key; False: it has none of that id."""
        with self._database.write() as connection:
            wanted = keys.update().where(keys.c.tenant == tenant, keys.c.id == key)
            return bool(connection.execute(wanted.values(**changes)).rowcount)

    def found(self, ids: Collection[str]) -> list[Record]:
        """The keys of these ids, whosever they are."""
        return self._database.rows(select(keys).where(keys.c.id.in_(ids))) if ids else []

    def of(self, tenant: str) -> list[Record]:
        """A tenant's keys, the oldest first."""
        return self._database.rows(select(keys).where(keys.c.tenant == tenant).order_by(keys.c.created, keys.c.id))

    def origins(self, now: datetime) -> list[str]:
        """The origins of every key that is good, as they are kept."""
        good = (keys.c.revoked.is_(None), or_(keys.c.expires.is_(None), keys.c.expires > now))
        rows = self._database.rows(select(keys.c.origins).where(keys.c.origins != "", *good).distinct())
        return [row["origins"] for row in rows]

    def note_use(self, ids: Collection[str], now: datetime) -> None:
        """Note that keys were used."""
        if ids:
            with self._database.write() as connection:
                connection.execute(keys.update().where(keys.c.id.in_(ids)).values(last_used=now))
