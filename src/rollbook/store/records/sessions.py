"""Sessions as they are kept: by the hash of their id."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import or_, select

from rollbook.store.records.database import Database, Record
from rollbook.store.records.session_tables import sessions
from rollbook.store.records.tables import tenants


class SessionRecords:
    """Rows of `sessions`. Raises Unavailable if the database cannot be used."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, row: Mapping[str, Any]) -> None:
        """Keep a new session; its tenant gets a record if it has none."""
        with self._database.write() as connection:
            if row["tenant"] is not None:
                self._database.put_new(connection, tenants, [{"id": row["tenant"]}])
            self._database.put(connection, sessions, [row])

    def find(self, hashed: str) -> Record | None:
        """One session by the hash of its id."""
        found = self._database.rows(select(sessions).where(sessions.c.id == hashed))
        return found[0] if found else None

    def find_labelled(self, label: str) -> list[Record]:
        """The sessions whose hash begins so."""
        return self._database.rows(select(sessions).where(sessions.c.id.startswith(label, autoescape=True)))

    def touch(self, hashed: str, seen: datetime) -> None:
        """Note when it was last used."""
        with self._database.write() as connection:
            connection.execute(sessions.update().where(sessions.c.id == hashed).values(seen=seen))

    def remove(self, hashed: str) -> None:
        """Remove one."""
        with self._database.write() as connection:
            connection.execute(sessions.delete().where(sessions.c.id == hashed))

    def remove_of(self, tenant: str, *, credential: str | None = None, subject: str | None = None) -> int:
        """Remove a tenant's sessions: all, those made from one credential, or those of one person; how many."""
        named = {"credential": credential, "subject": subject}
        wanted = [sessions.c[name] == value for name, value in named.items() if value is not None]
        with self._database.write() as connection:
            return connection.execute(sessions.delete().where(sessions.c.tenant == tenant, *wanted)).rowcount

    def remove_older(self, *, made: datetime, seen: datetime) -> None:
        """Remove what was made or last used before these moments."""
        with self._database.write() as connection:
            connection.execute(sessions.delete().where(or_(sessions.c.made < made, sessions.c.seen < seen)))
