"""Access to the records beside the audit trail: what comes here is sealed and signed already."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Table, delete, select

from rollbook.store.records.audit_tables import (
    audit_addresses,
    audit_checkpoints,
    audit_heads,
    audit_identities,
    audit_secrets,
)
from rollbook.store.records.database import Database, Record

MOST_AT_ONCE = 500

Mark = Literal["head", "checkpoint"]
MARKS: dict[Mark, Table] = {"head": audit_heads, "checkpoint": audit_checkpoints}


class AuditRecords:
    """The trail's secret, identities, heads and checkpoints. Raises Unavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def secret(self, name: str) -> bytes | None:
        """A secret, as it was sealed; None: it was never made."""
        found = self._database.rows(select(audit_secrets.c.sealed).where(audit_secrets.c.name == name))
        return found[0]["sealed"] if found else None

    def put_secret(self, name: str, sealed: bytes) -> None:
        """Keep a secret, unless there is one: of two processes, the first one's."""
        with self._database.write() as connection:
            self._database.put_new(connection, audit_secrets, [{"name": name, "sealed": sealed}])

    def identities(self, ids: Sequence[str]) -> list[Record]:
        """Those of these identities that are known: `id, tenant, digest, key, sealed, created`."""
        return self._in(audit_identities, "id", ids)

    def identities_of(self, digests: Sequence[str]) -> list[Record]:
        """The same, by the digests of lines."""
        return self._in(audit_identities, "digest", digests)

    def put_identities(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Keep identities; those that are there already stay as they are."""
        with self._database.write() as connection:
            self._database.put_new(connection, audit_identities, rows)

    def addresses(self, digests: Sequence[str]) -> list[Record]:
        """Those of these addresses that are known: `digest, identity, sealed`."""
        return self._in(audit_addresses, "digest", digests)

    def put_addresses(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Keep addresses; those that are there already stay as they are."""
        with self._database.write() as connection:
            self._database.put_new(connection, audit_addresses, rows)

    def remove_identities(self, ids: Sequence[str]) -> int:
        """Remove identities, their keys and addresses, from SQLite's log too; how many there were."""
        removed = 0
        with self._database.write() as connection:
            for start in range(0, len(ids), MOST_AT_ONCE):
                some = ids[start : start + MOST_AT_ONCE]
                connection.execute(delete(audit_addresses).where(audit_addresses.c.identity.in_(some)))
                removed += connection.execute(delete(audit_identities).where(audit_identities.c.id.in_(some))).rowcount
        if removed and self._database.is_sqlite:
            self._database.checkpoint()
        return removed

    def identities_before(self, moment: datetime) -> list[Record]:
        """`id, digest` of the identities first met before a moment."""
        of = audit_identities.c
        return self._database.rows(select(of.id, of.digest).where(of.created < moment))

    def addresses_before(self, moment: datetime) -> list[str]:
        """The digests of the addresses first met before a moment."""
        of = audit_addresses.c
        return [row["digest"] for row in self._database.rows(select(of.digest).where(of.created < moment))]

    def with_addresses(self, ids: Sequence[str]) -> set[str]:
        """Those of these identities that have an address."""
        return {row["identity"] for row in self._in(audit_addresses, "identity", ids)}

    def remove_addresses(self, digests: Sequence[str]) -> None:
        """Remove addresses."""
        with self._database.write() as connection:
            for start in range(0, len(digests), MOST_AT_ONCE):
                some = digests[start : start + MOST_AT_ONCE]
                connection.execute(delete(audit_addresses).where(audit_addresses.c.digest.in_(some)))

    def marks(self, kind: Mark, tenant: str | None = None, chain: str | None = None) -> list[Record]:
        """The heads or checkpoints, of one tenant and chain if named."""
        of = MARKS[kind].c
        where = [of.tenant == tenant] if tenant is not None else []
        where += [of.chain == chain] if chain is not None else []
        return self._database.rows(select(MARKS[kind]).where(*where).order_by(of.tenant, of.chain))

    def put_marks(self, kind: Mark, rows: Sequence[Mapping[str, Any]]) -> None:
        """Keep or replace heads or checkpoints."""
        with self._database.write() as connection:
            self._database.put(connection, MARKS[kind], rows)

    def _in(self, table: Table, column: str, values: Sequence[str]) -> list[Record]:
        found: list[Record] = []
        for start in range(0, len(values), MOST_AT_ONCE):
            some = values[start : start + MOST_AT_ONCE]
            found += self._database.rows(select(table).where(table.c[column].in_(some)))
        return found
