"""Access to the records of people's rights: requests, their receipts, and tombstones."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select

from rollbook.store.records import tables
from rollbook.store.records.database import Database, Record
from rollbook.store.records.rights_tables import requests, tombstones

OPEN = ("received", "running")


class RightsRecords:
    """Requests by tenant and id; tombstones by tenant and digest. What is sealed comes and goes sealed."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, row: Record) -> None:
        """Keep a new request; makes the tenant if there is none."""
        with self._database.write() as connection:
            self._database.put_new(connection, tables.tenants, [{"id": row["tenant"]}])
            self._database.put_new(connection, requests, [row])

    def one(self, request: str, tenant: str | None = None) -> Record | None:
        """A request, or None; of any tenant where none is named."""
        of = [requests.c.id == request] + ([] if tenant is None else [requests.c.tenant == tenant])
        found = self._database.rows(select(requests).where(*of))
        return found[0] if found else None

    def listed(
        self, tenant: str, digests: Sequence[str] | None = None, state: str | None = None, *, limit: int = 100
    ) -> list[Record]:
        """The newest requests of a tenant, of some people only where their digests are given."""
        of = [requests.c.tenant == tenant]
        of += [] if digests is None else [requests.c.digest.in_(digests)]
        of += [] if state is None else [requests.c.state == state]
        return self._database.rows(select(requests).where(*of).order_by(requests.c.received.desc()).limit(limit))

    def unfinished(self) -> list[str]:
        """Ids of all requests that are received or running, the oldest first."""
        chosen = select(requests.c.id).where(requests.c.state.in_(OPEN)).order_by(requests.c.received)
        return [row["id"] for row in self._database.rows(chosen)]

    def packaged(self) -> list[Record]:
        """All requests with a package."""
        return self._database.rows(select(requests).where(requests.c.package_until.is_not(None)))

    def change(self, request: str, *, when: Sequence[str] = (), **values: Any) -> bool:
        """Change a request, where `when` is given only in one of these states; whether it was."""
        of = [requests.c.id == request] + ([requests.c.state.in_(when)] if when else [])
        with self._database.write() as connection:
            return bool(connection.execute(requests.update().where(*of).values(**values)).rowcount)

    def forget(self, tenant: str, digests: Sequence[str], *, but: str) -> int:
        """Take out of all requests of these people, but one, who they are and what they wished; how many there are."""
        of = requests.c.tenant == tenant, requests.c.digest.in_(digests), requests.c.id != but
        with self._database.write() as connection:
            gone = requests.update().where(*of).values(person=None, wishes=None)
            return connection.execute(gone).rowcount

    def bury(self, tenant: str, digests: Sequence[str], request: str, made: datetime) -> None:
        """Keep tombstones."""
        rows = [{"tenant": tenant, "digest": digest, "request": request, "made": made} for digest in digests]
        with self._database.write() as connection:
            self._database.put_new(connection, tables.tenants, [{"id": tenant}])
            self._database.put_new(connection, tombstones, rows)

    def buried(self) -> dict[str, set[str]]:
        """The digests of all tombstones by tenant."""
        found: dict[str, set[str]] = {}
        for row in self._database.rows(select(tombstones.c.tenant, tombstones.c.digest)):
            found.setdefault(row["tenant"], set()).add(row["digest"])
        return found

    def raised(self, tenant: str, digests: Sequence[str]) -> int:
        """Take tombstones away; how many there were."""
        of = tombstones.c.tenant == tenant, tombstones.c.digest.in_(digests)
        with self._database.write() as connection:
            return connection.execute(tombstones.delete().where(*of)).rowcount
