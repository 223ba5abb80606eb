"""Access to the sealed records, the tenants' keys and the directory of names: what comes here is encrypted already."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from sqlalchemy import select

from rollbook.store.records import tables
from rollbook.store.records.database import Database, Record
from rollbook.store.records.renaming import Renaming, rename
from rollbook.store.records.sealing_tables import directory, rewritings, tenant_keys

MOST_NAMED = 500
PEOPLE = "people"


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

    def add_key(self, tenant: str, ring: str, version: int, sealed: bytes, *, serving: bool = True) -> None:
        """Keep a key, unless there is one of that version: of two processes, the first one's."""
        row = {"tenant": tenant, "ring": ring, "version": version, "sealed": sealed, "serving": serving}
        with self._database.write() as connection:
            self._database.put_new(connection, tables.tenants, [{"id": tenant}])
            self._database.put_new(connection, tenant_keys, [row])

    def destroy_keys(self, tenant: str, ring: str) -> int:
        """Remove the keys of a ring; that they were there stays known. How many there were."""
        of = tenant_keys.c.tenant == tenant, tenant_keys.c.ring == ring, tenant_keys.c.destroyed.is_(None)
        with self._database.write() as connection:
            gone = tenant_keys.update().where(*of).values(sealed=b"", destroyed=datetime.now(UTC))
            return connection.execute(gone).rowcount

    def stretches(self, tenant: str, version: int) -> dict[str, str]:
        """How far the change to a key of this version is: the state of every stretch that was begun."""
        of = rewritings.c.tenant == tenant, rewritings.c.version == version
        return {row["stretch"]: row["state"] for row in self._database.rows(select(rewritings).where(*of))}

    def note_stretch(self, tenant: str, version: int, stretch: str, state: str) -> None:
        """Note how far a stretch is."""
        row = {"tenant": tenant, "version": version, "stretch": stretch, "state": state}
        with self._database.write() as connection:
            self._database.put(connection, rewritings, [row])

    def switch(self, tenant: str, renaming: Renaming, sealed: Mapping[str, bytes]) -> int:
        """Let the new key serve, and rename everyone in all records, at once; `sealed`: the directory under it.

        How many records were changed.
        """
        now = datetime.now(UTC)
        names = [{"tenant": tenant, "user": user, "sealed": name, "changed": now} for user, name in sealed.items()]
        serving = tenant_keys.c.tenant == tenant, tenant_keys.c.ring == PEOPLE, tenant_keys.c.serving.is_(False)
        with self._database.write() as connection:
            changed = rename(connection, tenant, renaming, besides=(directory, tenant_keys, rewritings))
            connection.execute(directory.delete().where(directory.c.tenant == tenant))
            self._database.put(connection, directory, names)
            connection.execute(tenant_keys.update().where(*serving).values(serving=True))
            connection.execute(rewritings.delete().where(rewritings.c.tenant == tenant))
        return changed

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
