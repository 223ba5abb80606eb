"""Records of the lifecycle: which archives there are, what became of their days, and what is held."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Literal

from sqlalchemy import func, select

from rollbook.store.records import tables
from rollbook.store.records.database import Database, Record
from rollbook.store.records.lifecycle_tables import archive_days, archives, holds
from rollbook.store.records.rights_tables import requests

DayState = Literal["archived", "restored"]


class LifecycleRecords:
    """Archives and holds of all tenants. Raises Unavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, archive: Mapping[str, Any], days: Mapping[date, int]) -> None:
        """Note an archive before its first file is written; `days`: how many events of each."""
        with self._database.write() as connection:
            self._database.put_new(connection, tables.tenants, [{"id": archive["tenant"]}])
            self._database.put(connection, archives, [dict(archive) | {"state": "writing"}])
            of = {"tenant": archive["tenant"], "archive": archive["id"], "state": "archived"}
            self._database.put(connection, archive_days, [of | {"day": day, "rows": n} for day, n in days.items()])

    def change(self, tenant: str, archive: str, **values: Any) -> None:
        """Change an archive's record."""
        of = (archives.c.tenant == tenant) & (archives.c.id == archive)
        with self._database.write() as connection:
            connection.execute(archives.update().where(of).values(**values))

    def set_rows(self, tenant: str, archive: str, days: Mapping[date, int]) -> None:
        """How many events of each day there are now."""
        with self._database.write() as connection:
            for day, rows in days.items():
                of = (archive_days.c.tenant == tenant) & (archive_days.c.archive == archive)
                changed = archive_days.update().where(of, archive_days.c.day == day)
                connection.execute(changed.values(rows=rows))

    def drop(self, tenant: str, archive: str) -> None:
        """Forget an archive."""
        with self._database.write() as connection:
            of = (archive_days.c.tenant == tenant) & (archive_days.c.archive == archive)
            connection.execute(archive_days.delete().where(of))
            connection.execute(archives.delete().where(archives.c.tenant == tenant, archives.c.id == archive))

    def archives(self, tenant: str | None = None) -> list[Record]:
        """All archives, the oldest first, of one tenant if named."""
        wanted = [] if tenant is None else [archives.c.tenant == tenant]
        return self._database.rows(select(archives).where(*wanted).order_by(archives.c.created, archives.c.id))

    def days(self, tenant: str, *, state: DayState | None = None, archive: str | None = None) -> list[Record]:
        """The days in a tenant's archives: `archive, day, rows, state, keep_until`."""
        named = {archive_days.c.state: state, archive_days.c.archive: archive}
        wanted = [column == value for column, value in named.items() if value is not None]
        chosen = select(archive_days).where(archive_days.c.tenant == tenant, *wanted)
        return self._database.rows(chosen.order_by(archive_days.c.day, archive_days.c.archive))

    def mark_days(
        self, tenant: str, found: Collection[tuple[str, date]], state: DayState, keep_until: datetime | None = None
    ) -> None:
        """Note what became of days: (archive, day)."""
        rows = [{"tenant": tenant, "archive": archive, "day": day} for archive, day in sorted(found)]
        with self._database.write() as connection:
            for row in rows:
                of = [archive_days.c[name] == value for name, value in row.items()]
                connection.execute(archive_days.update().where(*of).values(state=state, keep_until=keep_until))

    def counts(self, tenant: str) -> dict[str, int]:
        """How many records of a tenant each table has."""
        found = {}
        for table in tables.metadata.sorted_tables:
            if "tenant" in table.c:
                counted = select(func.count()).select_from(table).where(table.c.tenant == tenant)
                found[table.name] = next(iter(self._database.rows(counted)[0].values()))
        return {name: rows for name, rows in sorted(found.items()) if rows}

    def open_requests(self, tenant: str) -> list[Record]:
        """People's requests that wait for an answer: `id, kind, state, received, deadline`."""
        columns = [requests.c[name] for name in ("id", "kind", "state", "received", "deadline")]
        wanted = requests.c.state.in_(("received", "running", "failed"))
        chosen = select(*columns).where(requests.c.tenant == tenant, wanted)
        return self._database.rows(chosen.order_by(requests.c.received))

    def hold(self, row: Mapping[str, Any]) -> None:
        """Place a hold."""
        with self._database.write() as connection:
            self._database.put_new(connection, tables.tenants, [{"id": row["tenant"]}])
            self._database.put_new(connection, holds, [row])

    def lift(self, tenant: str, hold: str, by: str, at: datetime) -> bool:
        """Lift a hold; whether there was one."""
        of = [holds.c.tenant == tenant, holds.c.id == hold, holds.c.lifted.is_(None)]
        with self._database.write() as connection:
            return bool(connection.execute(holds.update().where(*of).values(lifted=at, lifted_by=by)).rowcount)

    def holds(
        self, tenant: str | None = None, users: Sequence[str] | None = None, *, lifted: bool = False
    ) -> list[Record]:
        """The holds that stand (with `lifted`: all there ever were), of a tenant and on some users if named."""
        wanted = [] if tenant is None else [holds.c.tenant == tenant]
        wanted += [] if users is None else [holds.c.user.in_(["", *users])]
        wanted += [] if lifted else [holds.c.lifted.is_(None)]
        return self._database.rows(select(holds).where(*wanted).order_by(holds.c.placed, holds.c.id))
