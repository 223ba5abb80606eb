"""Restoring: archived events come back, each counted once; a run that was stopped goes on where it was.

Into their own tenant they come back under what is kept of them: they do not count until all of a group of days is
there, and then one insert lets them count in its place. Into another tenant they are taken in like an import.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Protocol

import pyarrow as pa
import pyarrow.compute as pc

from rollbook.errors import Conflict, NotFound, RollbookError, Unavailable
from rollbook.governance.lifecycle.expiring import Expiry
from rollbook.governance.lifecycle.manifest import Manifest
from rollbook.governance.lifecycle.packing import Packing, days_of
from rollbook.governance.lifecycle.storage import Storage
from rollbook.governance.pseudonyms.rotation import carried
from rollbook.governance.tombstones import tombstones_of
from rollbook.store import Store, events
from rollbook.store.expiry import State
from rollbook.store.expiry.raw import Due, Raw
from rollbook.store.records.database import Record

DIALECT = "import_archive"
EVER = datetime(2200, 1, 1, tzinfo=UTC)
BULK = [name for name in events.SCHEMA.names if name not in ("received", "dialect")]

# told after every block: events done, events in all, and which archive is read
Progress = Callable[[int, int, str], None]


class Loaded(Protocol):
    """What became of rows that were taken in."""

    ingested: int
    duplicates: int


Load = Callable[[pa.Table, str], Loaded]


@dataclass(slots=True)
class Restored:
    """What came back: `events` now, `there` before; `erased` people's are left out. Together they are `total`."""

    tenant: str
    into: str
    total: int = 0
    events: int = 0
    there: int = 0
    erased: int = 0
    days: int = 0
    archives: list[str] = field(default_factory=list)

    def text(self) -> str:
        """In words."""
        parts = [f"{self.events:,} of {self.total:,} archived events of {self.days} days restored into {self.into}"]
        parts += [f"{self.there:,} were there already"] if self.there else []
        parts += [f"{self.erased:,} left out, of people who were erased"] if self.erased else []
        return "; ".join(parts)


@dataclass(frozen=True, slots=True)
class _Group:
    """Days of a tenant that come back together, and the archives that hold their events."""

    due: Due
    archives: tuple[str, ...]


class Restoring:
    """One restore. `load` takes rows in bulk, as the way in does."""

    def __init__(self, store: Store, load: Load, progress: Progress) -> None:
        self._store = store
        self._load = load
        self._progress = progress
        self._raw = Raw(store.engine)
        self._packing = Packing(Storage(store.settings), store.settings.data)
        self._records = store.records.lifecycle
        self._expiry = Expiry(store)

    def run(
        self, tenant: str, begin: date | None = None, until: date | None = None, *, into: str | None = None
    ) -> Restored:
        """Bring the archived days of a range back (both ends included; default: all), or copy them into another tenant.

        Raises NotFound if nothing is archived there, Invalid naming a damaged file, Conflict, Unavailable.
        """
        found = Restored(tenant, into or tenant)
        self._expiry.mend(tenant)
        archives = {row["id"]: row for row in self._records.archives(tenant) if row["state"] == "kept"}
        rows = [
            row
            for row in self._records.days(tenant, state="archived")
            if (begin or date.min) <= row["day"] <= (until or date.max) and row["archive"] in archives
        ]
        if not rows:
            raise NotFound(f"no archived days of {tenant} in this range; see rollbook archive list")
        found.total, found.days = sum(row["rows"] for row in rows), len({row["day"] for row in rows})
        found.archives = sorted({row["archive"] for row in rows})
        manifests = {archive: self._packing.manifest(archives[archive]["folder"]) for archive in found.archives}
        sealed = self._store.rollups.seals.of(tenant).days if found.into == tenant else {}
        for group in _groups(tenant, [row for row in rows if row["day"] in sealed], archives, sealed):
            self._bring_back(group, archives, manifests, found)
        for archive in found.archives:
            days = {row["day"] for row in rows if row["archive"] == archive and row["day"] not in sealed}
            if days:
                self._copy(archives[archive], manifests[archive], days, found)
        if found.events + found.there + found.erased != found.total:
            raise Unavailable(f"{found.text()}, which is not all; run it again")
        return found

    def _bring_back(
        self, group: _Group, archives: dict[str, Record], manifests: dict[str, Manifest], found: Restored
    ) -> None:
        """Let the events of days count again, in place of what was kept of them."""
        due, rollups = group.due, self._store.rollups
        if due.zone != self._store.zone_of(due.tenant):
            raise Conflict(
                f"days of {due.tenant} were archived in zone {due.zone}, and it counts those of"
                f" {self._store.zone_of(due.tenant)} now; restore them into another tenant"
            )
        for archive in group.archives:
            self._packing.check(archives[archive]["folder"], manifests[archive])
        with rollups.changing:
            try:
                rollups.seal(due.tenant, set(due.days), due.upto, State.LEAVING, zone=due.zone)
                self._raw.delete(due)
                taken, erased = self._append(group, archives, manifests, found)
                self._count(due, group, manifests, taken + erased)
            except RollbookError:
                self._expiry.mend(due.tenant)
                raise
            until = datetime.now(UTC) + timedelta(days=self._store.settings.restored_days)
            days = [(archive, day) for archive in group.archives for day in due.days if day in manifests[archive].days]
            self._records.mark_days(due.tenant, days, "archived", until)
            rollups.seal(due.tenant, set(due.days), due.upto, State.OPEN, zone=due.zone)
            self._records.mark_days(due.tenant, days, "restored", until)
        found.events, found.erased = found.events + taken, found.erased + erased

    def _append(
        self, group: _Group, archives: dict[str, Record], manifests: dict[str, Manifest], found: Restored
    ) -> tuple[int, int]:
        taken = erased = 0
        for archive in group.archives:
            for block in self._packing.read(archives[archive]["folder"], manifests[archive]):
                rows = carried(self._store, group.due.tenant, _of_days(block, group.due.zone, set(group.due.days)))
                kept = self._without_erased(rows, group.due.tenant)
                if self._store.lease is not None:
                    self._store.lease.check()
                if len(kept):
                    events.append(self._store.engine, kept)
                taken, erased = taken + len(kept), erased + len(rows) - len(kept)
                self._progress(found.events + found.erased + taken + erased, found.total, archive)
        return taken, erased

    def _count(self, due: Due, group: _Group, manifests: dict[str, Manifest], read: int) -> None:
        """Every event of the manifests was read, and is there. Raises Unavailable."""
        said = sum(manifests[archive].days.get(day, 0) for archive in group.archives for day in due.days)
        if read != said:
            raise Unavailable(f"the manifests of {due.tenant} say {said} events, {read} were read; nothing was changed")

    def _copy(self, row: Record, manifest: Manifest, days: set[date], found: Restored) -> None:
        """Take events in, those that are not there yet."""
        known = self._raw.ids(Due(found.into, manifest.zone, EVER, tuple(sorted(days))))
        for block in self._packing.read(row["folder"], manifest):
            rows = carried(self._store, found.into, _of_days(block, manifest.zone, days))
            kept = self._without_erased(rows, found.into)
            found.erased += len(rows) - len(kept)
            fresh = kept.filter(pa.array([one not in known for one in kept["id"].to_pylist()], pa.bool_()))
            found.there += len(kept) - len(fresh)
            if len(fresh):
                tenant = pa.repeat(pa.scalar(found.into), len(fresh))
                fresh = fresh.set_column(fresh.schema.get_field_index("tenant"), "tenant", tenant)
                receipt = self._load(fresh.select(BULK), DIALECT)
                found.events, found.there = found.events + receipt.ingested, found.there + receipt.duplicates
            self._progress(found.events + found.there + found.erased, found.total, row["id"])
        if found.into == found.tenant:
            until = datetime.now(UTC) + timedelta(days=self._store.settings.restored_days)
            self._records.mark_days(found.tenant, [(row["id"], day) for day in days], "restored", until)

    def _without_erased(self, rows: pa.Table, tenant: str) -> pa.Table:
        """The rows but those of people who were erased."""
        users = pc.unique(rows["user"]).to_pylist()
        erased = tombstones_of(self._store).erased(tenant, users)
        if not erased:
            return rows
        return rows.filter(pc.invert(pc.is_in(rows["user"], pa.array(sorted(erased)))))


def _groups(
    tenant: str, rows: list[Record], archives: dict[str, Record], sealed: Mapping[date, datetime]
) -> list[_Group]:
    """The days by what they were sealed up to, and by the archives that hold them."""
    of_day: dict[date, list[str]] = {}
    for row in rows:
        of_day.setdefault(row["day"], []).append(row["archive"])
    found: dict[tuple[datetime, tuple[str, ...]], list[date]] = {}
    for day, holding in of_day.items():
        found.setdefault((sealed[day], tuple(sorted(holding))), []).append(day)
    return [
        _Group(Due(tenant, archives[holding[0]]["zone"], upto, tuple(sorted(days))), holding)
        for (upto, holding), days in sorted(found.items())
    ]


def _of_days(block: pa.Table, zone: str, days: set[date]) -> pa.Table:
    return block.filter(pc.is_in(days_of(block, zone), pa.array(sorted(days), pa.date32())))
