"""Access to the sealed records, the tenants' keys and the directory of names: what comes here is encrypted already."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from sqlalchemy import select

from rollbook.store.records import tables
from rollbook.store.records.database import Database, Record
from rollbook.store.records.sealing_tables import directory, tenant_keys

MOST_NAMED = 500


class SealedRecords:
    """Keys by tenant, ring and version, and sealed names by tenant and user (as stored). Raises Unavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def keys(self, tenant: str, ring: str) -> list[Record]:
        """The keys of a ring: `version, sealed, created, destroyed`, the first version first."""
        of = tenant_keys.c.tenant == tenant, tenant_keys.c.ring == ring
        return self._database.rows(select(tenant_keys).where(*of).order_by(tenant_keys.c.version))

    def any_key(self) -> bool:
        """Whether any tenant has a key."""
        return bool(self._database.rows(select(tenant_keys.c.version).limit(1)))

    def add_key(self, tenant: str, ring: str, version: int, sealed: bytes) -> None:
        """Keep a key, unless there is one of that version: of two processes, the first one's."""
        row = {"tenant": tenant, "ring": ring, "version": version, "sealed": sealed}
        with self._database.write() as connection:
            self._database.put_new(connection, tables.tenants, [{"id": tenant}])
            self._database.put_new(connection, tenant_keys, [row])

    def destroy_keys(self, tenant: str, ring: str) -> int:
        """Remove the keys of a ring; that they were there stays known. How many there were."""
        of = tenant_keys.c.tenant == tenant, tenant_keys.c.ring == ring, tenant_keys.c.destroyed.is_(None)
        with self._database.write() as connection:
            gone = tenant_keys.update().where(*of).values(sealed=b"", destroyed=datetime.now(UTC))
            return connection.execute(gone).rowcount

    def put_names(self, tenant: str, sealed: Mapping[str, bytes]) -> None:
        """Keep or replace what is known of some users."""
        now = datetime.now(UTC)
        rows = [{"tenant": tenant, "user": user, "sealed": name, "changed": now} for user, name in sealed.items()]
        with self._database.write() as connection:
            self._database.put_new(connection, tables.tenants, [{"id": tenant}])
            self._database.put(connection, directory, rows)

    def names(self, tenant: str, users: Sequence[str] | None = None) -> dict[str, bytes]:
        """What is known of some users (None: of all); those who are not in the directory are left out."""
        of = [directory.c.tenant == tenant]
        wanted = select(directory.c.user, directory.c.sealed)
        if users is None:
            return {row["user"]: row["sealed"] for row in self._database.rows(wanted.where(*of))}
        found: dict[str, bytes] = {}
        for start in range(0, len(users), MOST_NAMED):
            some = directory.c.user.in_(users[start : start + MOST_NAMED])
            found |= {row["user"]: row["sealed"] for row in self._database.rows(wanted.where(*of, some))}
        return found

    def remove_names(self, tenant: str, users: Sequence[str] | None = None) -> int:
        """Forget some users (None: all); how many were there."""
        removed = 0
        with self._database.write() as connection:
            if users is None:
                return connection.execute(directory.delete().where(directory.c.tenant == tenant)).rowcount
            for start in range(0, len(users), MOST_NAMED):
                some = directory.c.user.in_(users[start : start + MOST_NAMED])
                removed += connection.execute(directory.delete().where(directory.c.tenant == tenant, some)).rowcount
        return removed
