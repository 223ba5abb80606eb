"""Records: tenants, courses, learners, enrolments, assessments and imports."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy import Connection, Table, select

from rollbook.errors import Conflict, Invalid, NotFound
from rollbook.settings import Settings
from rollbook.store.records import tables
from rollbook.store.records.aggregations import AggregationRecords
from rollbook.store.records.costs import Prices
from rollbook.store.records.database import Database, Record, batches
from rollbook.store.records.definitions import DefinitionRecords
from rollbook.store.records.learners import TraitRecords
from rollbook.store.records.lifecycle import LifecycleRecords
from rollbook.store.records.people import People
from rollbook.store.records.segments import Segments

Rows = Iterable[Mapping[str, Any]]
ChunkState = Literal["new", "started", "finished"]


class Records:
    """Everything that is not an event; a record is a dict with the columns of its table (`tables.py`).

    `put_…` takes rows that all name the same columns, and replaces what is there under the same key (tenant and id;
    for an enrolment tenant, learner and course). A tenant is made by its first record. Raises Invalid where a row does
    not fit (an enrolment needs its course and learner first), Unavailable if the database cannot be used.
    """

    def __init__(self, settings: Settings) -> None:
        self.database = self._database = Database(settings)
        self.people = People(self.database)
        self.lifecycle = LifecycleRecords(self.database)
        self.prices = Prices(self.database)
        self.definitions = DefinitionRecords(self.database)
        self.traits = TraitRecords(self.database)
        self.aggregations = AggregationRecords(self.database)
        self.segments = Segments(self.database)
        self._zones: dict[str, str | None] = {}

    def tenant(self, tenant: str) -> Record | None:
        """`id, name, timezone, created` of a tenant, or None."""
        found = self._database.rows(select(tables.tenants).where(tables.tenants.c.id == tenant))
        return found[0] if found else None

    def tenants(self) -> list[Record]:
        """All tenants that have a record."""
        return self._database.rows(select(tables.tenants).order_by(tables.tenants.c.id))

    def put_tenant(self, tenant: str, name: str) -> None:
        """Make or rename a tenant."""
        with self._database.write() as connection:
            self._database.put(connection, tables.tenants, [{"id": tenant, "name": name}])

    def make_tenant(self, tenant: str, **columns: Any) -> None:
        """Make a tenant: `name, timezone, settings`. Raises Conflict if there is one, Invalid for an unknown zone."""
        if columns.get("timezone") is not None:
            _check_zone(columns["timezone"])
        with self._database.write() as connection:
            if connection.scalar(select(tables.tenants.c.id).where(tables.tenants.c.id == tenant)) is not None:
                raise Conflict(f"there is a tenant {tenant!r} already; change its settings instead")
            connection.execute(tables.tenants.insert(), [{"id": tenant} | columns])
        self._zones.pop(tenant, None)

    def put_settings(self, tenant: str, settings: Mapping[str, Any]) -> None:
        """A tenant's own settings, as `governance.tenants` has checked them."""
        with self._database.write() as connection:
            self._database.put(connection, tables.tenants, [{"id": tenant, "settings": dict(settings)}])

    def zone_of(self, tenant: str) -> str | None:
        """A tenant's own zone, or None. Asked once of the database, then remembered."""
        if tenant not in self._zones:
            found = self.tenant(tenant)
            self._zones[tenant] = found["timezone"] if found else None
        return self._zones[tenant]

    def set_timezone(self, tenant: str, zone: str | None) -> None:
        """Count the tenant's days in another zone (None: the default). `Store.set_timezone` also mends the rollups."""
        if zone is not None:
            _check_zone(zone)
        with self._database.write() as connection:
            self._database.put(connection, tables.tenants, [{"id": tenant, "timezone": zone}])
        self._zones[tenant] = zone

    def put_courses(self, rows: Rows) -> None:
        """Courses: `tenant, id, module, presentation, starts` (date), `days` (length)."""
        self._put(tables.courses, rows)

    def put_learners(self, rows: Rows) -> None:
        """Learners: `tenant, id, traits` (a JSON object)."""
        self._put(tables.learners, rows)

    def put_enrolments(self, rows: Rows) -> None:
        """Enrolments: `tenant, learner, course, registered, unregistered` (date or None), `result, traits`."""
        self._put(tables.enrolments, rows)

    def put_assessments(self, rows: Rows) -> None:
        """Assessments: `tenant, id, course, kind, day` (of the course, or None), `weight` (percent)."""
        self._put(tables.assessments, rows)

    def courses(self, tenant: str) -> list[Record]:
        """A tenant's courses, by id."""
        return self._of(tables.courses, tenant=tenant)

    def course(self, tenant: str, course: str) -> Record | None:
        """One course, or None."""
        found = self._of(tables.courses, tenant=tenant, id=course)
        return found[0] if found else None

    def learner(self, tenant: str, learner: str) -> Record | None:
        """One learner, or None."""
        found = self._of(tables.learners, tenant=tenant, id=learner)
        return found[0] if found else None

    def learners(self, tenant: str) -> list[Record]:
        """A tenant's learners, by id."""
        return self._of(tables.learners, tenant=tenant)

    def enrolments(self, tenant: str, *, learner: str | None = None, course: str | None = None) -> list[Record]:
        """A tenant's enrolments, of one learner or one course if named."""
        return self._of(tables.enrolments, tenant=tenant, learner=learner, course=course)

    def assessments(self, tenant: str, *, course: str | None = None) -> list[Record]:
        """A tenant's assessments, of one course if named."""
        return self._of(tables.assessments, tenant=tenant, course=course)

    def start_import(self, tenant: str, source: str) -> None:
        """Note that an import began, or goes on. `source` names one import into one tenant: put both into it.

        Raises Conflict if another tenant has used the name.
        """
        with self._database.write() as connection:
            row = {"source": source, "tenant": tenant, "started": _now()}
            self._put_tenants(connection, [row])
            self._database.put_new(connection, tables.imports, [row])
            owner = connection.scalar(select(tables.imports.c.tenant).where(tables.imports.c.source == source))
        if owner != tenant:
            raise Conflict(f"import {source} belongs to tenant {owner}; name it otherwise for {tenant}")

    def finish_import(self, source: str) -> None:
        """Note that an import is complete; its rows are those of its chunks."""
        rows = sum(chunk["rows"] for chunk in self.chunks(source))
        with self._database.write() as connection:
            changed = tables.imports.update().where(tables.imports.c.source == source)
            connection.execute(changed.values(finished=_now(), rows=rows))

    def imports(self, tenant: str) -> list[Record]:
        """A tenant's imports: `source, tenant, started, finished, rows`."""
        return self._of(tables.imports, tenant=tenant)

    def chunks(self, source: str) -> list[Record]:
        """The chunks of an import that were begun: `source, chunk, started, finished, rows`."""
        return self._of(tables.import_chunks, source=source)

    def chunk_state(self, source: str, chunk: str | int) -> ChunkState:
        """Whether a chunk of an import was never begun, begun (and perhaps torn) or finished."""
        found = self._of(tables.import_chunks, source=source, chunk=str(chunk))
        if not found:
            return "new"
        return "finished" if found[0]["finished"] else "started"

    def start_chunk(self, source: str, chunk: str | int) -> None:
        """Note that a chunk is begun, before its first event is written. Needs `start_import` first."""
        with self._database.write() as connection:
            row = {"source": source, "chunk": str(chunk), "started": _now()}
            self._database.put_new(connection, tables.import_chunks, [row])

    def finish_chunk(self, source: str, chunk: str | int, rows: int) -> None:
        """Note that a chunk is complete: it will never be read again. Raises NotFound if it was not begun."""
        table = tables.import_chunks
        with self._database.write() as connection:
            changed = table.update().where(table.c.source == source, table.c.chunk == str(chunk))
            done = connection.execute(changed.values(finished=_now(), rows=rows))
        if not done.rowcount:
            raise NotFound(f"chunk {chunk} of import {source} was never begun")

    def close(self) -> None:
        """Close the database."""
        self._database.close()

    def _put(self, table: Table, rows: Rows) -> None:
        with self._database.write() as connection:
            for some in batches(rows):
                self._put_tenants(connection, some)
                self._database.put(connection, table, some)

    def _put_tenants(self, connection: Connection, rows: Iterable[Mapping[str, Any]]) -> None:
        named = sorted({row["tenant"] for row in rows})
        self._database.put_new(connection, tables.tenants, [{"id": tenant} for tenant in named])

    def _of(self, table: Table, **named: str | None) -> list[Record]:
        wanted = [table.c[name] == value for name, value in named.items() if value is not None]
        return self._database.rows(select(table).where(*wanted).order_by(*table.primary_key))


def _now() -> datetime:
    return datetime.now(UTC)


def _check_zone(zone: str) -> None:
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise Invalid(f"timezone {zone!r} is not known; name one like Europe/London or UTC") from error
