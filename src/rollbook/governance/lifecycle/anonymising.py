"""Anonymising: after their time events lose whose they were, by whole months.

Each user gets a random id for the month, drawn once and written down nowhere else; ids of events, sessions and
conversations and all properties go. Days, weeks and months inside of it count the same people as before; nobody can be
followed from one month to the next. The rollups are filled again from what is left.

It is an expiry and a return: the changed events are written to a file first, then the old ones leave as in an expiry,
then the changed ones come back as in a restore. So a kill at any point is mended in the same way.
"""

import secrets
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime

import pyarrow as pa
import structlog

from rollbook.errors import Conflict
from rollbook.governance.lifecycle.packing import Packing, month_of
from rollbook.governance.lifecycle.storage import Storage, folder_of
from rollbook.store import Store, events
from rollbook.store.expiry import State
from rollbook.store.expiry.raw import UNLINKED, Due, Raw
from rollbook.store.records.database import Record

log = structlog.get_logger()

STATE = "anonymising"
CLEARED = {"session": "", "conversation": "", "properties": "{}"}


class Anonymising:
    """Unlinks the events of whole months. The caller holds `rollups.changing`."""

    def __init__(self, store: Store, packing: Packing, storage: Storage) -> None:
        self._store = store
        self._packing = packing
        self._storage = storage
        self._raw = Raw(store.engine)
        self._records = store.records.lifecycle

    def run(self, tenant: str, zone: str, upto: datetime, kept: set[date], *, dry: bool) -> list[date]:
        """Unlink what is due, except of months with days that are held; the days."""
        linked = self._raw.linked(tenant, zone)
        due = {row["day"] for row in self._raw.due(tenant, zone, upto)}
        waiting = {month_of(day) for day in (linked - due) | kept}
        months = sorted({month_of(day) for day in linked} - waiting)
        days = [sorted(day for day in due if month_of(day) == month) for month in months]
        if not dry and months:
            self._store.rollups.roll(quiet_seconds=0, of=tenant)
        return [day for month in days if dry or self._month(Due(tenant, zone, upto, tuple(month))) for day in month]

    def mend(self, tenant: str) -> None:
        """Finish what a kill has left."""
        for row in [one for one in self._records.archives(tenant) if one["state"] == STATE]:
            self._finish(row)

    def _month(self, due: Due) -> bool:
        archive = f"{STATE}-{secrets.token_hex(4)}"
        folder = folder_of(due.tenant, month_of(due.days[0]), archive)
        row = {"tenant": due.tenant, "id": archive, "folder": folder, "zone": due.zone, "upto": due.upto}
        self._records.begin(row | {"created": datetime.now(UTC)}, dict.fromkeys(due.days, 0))
        self._packing.write(due, archive, folder, _unlinked(self._raw.blocks(due)))
        self._records.change(due.tenant, archive, state=STATE)
        rollups = self._store.rollups
        try:
            self._raw.keep(due, rollups.seals.of(due.tenant))
            rollups.seal(due.tenant, set(due.days), due.upto, State.LEAVING, zone=due.zone)
        except Conflict as error:
            log.info("anonymising_waits", tenant=due.tenant, detail=error.detail)
            self._drop(row)
            return False
        self._finish(row)
        log.info("events_anonymised", tenant=due.tenant, days=len(due.days))
        return True

    def _finish(self, row: Record) -> None:
        tenant, rollups = row["tenant"], self._store.rollups
        days = {one["day"] for one in self._records.days(tenant, archive=row["id"])}
        due = Due(tenant, row["zone"], row["upto"], tuple(sorted(days)))
        sealed = rollups.seals.of(tenant).days
        if all(sealed.get(day) == due.upto for day in days):
            rollups.seal(tenant, days, due.upto, State.LEAVING, zone=due.zone)
            self._raw.delete(due)
            for block in self._packing.read(row["folder"], self._packing.manifest(row["folder"])):
                events.append(self._store.engine, block)
            rollups.seal(tenant, days, due.upto, State.OPEN, zone=due.zone)
        if not self._raw.linked(tenant, due.zone) & days:
            rollups.reheat(tenant)
            rollups.roll(quiet_seconds=0, of=tenant)
        self._raw.purge(due, rollups.seals.of(tenant))
        self._drop(row)

    def _drop(self, row: Record) -> None:
        self._storage.clear(row["folder"])
        self._records.drop(row["tenant"], row["id"])


def _unlinked(blocks: Iterator[pa.Table]) -> Iterator[pa.Table]:
    """The events with ids that mean nobody, the same one for a user in all blocks."""
    drawn: defaultdict[str, str] = defaultdict(_draw)
    drawn[""] = ""
    for block in blocks:
        columns = {name: block[name] for name in block.column_names}
        columns["user"] = pa.array([drawn[user] for user in block["user"].to_pylist()], pa.string())
        columns["id"] = pa.array([_draw() for _ in range(len(block))], pa.string())
        for name, value in CLEARED.items():
            columns[name] = pa.array([value] * len(block), pa.string())
        yield pa.table(columns, schema=events.SCHEMA)


def _draw() -> str:
    return UNLINKED + secrets.token_hex(10)
