"""Archives: what there is of them, and how people leave them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import pyarrow as pa
import pyarrow.compute as pc

from rollbook.governance.lifecycle.manifest import NAME
from rollbook.governance.lifecycle.packing import Packing
from rollbook.governance.lifecycle.redaction import Redaction
from rollbook.governance.lifecycle.storage import Storage
from rollbook.governance.pseudonyms.rotation import carried
from rollbook.store import Store


@dataclass(frozen=True, slots=True)
class Archive:
    """One archive: days `first` to `last`, how many events, and of how many days the events are back."""

    tenant: str
    id: str
    state: str
    first: date
    last: date
    rows: int
    bytes: int
    restored_days: int
    created: datetime
    last_received: datetime | None
    place: str


def listed(store: Store, tenant: str) -> list[Archive]:
    """A tenant's archives, the oldest first."""
    records, storage = store.records.lifecycle, Storage(store.settings)
    found = []
    for row in records.archives(tenant):
        days = records.days(tenant, archive=row["id"])
        found.append(
            Archive(
                **{name: row[name] for name in ("tenant", "id", "state", "rows", "bytes", "created", "last_received")},
                first=min(day["day"] for day in days),
                last=max(day["day"] for day in days),
                restored_days=sum(day["state"] == "restored" for day in days),
                place=storage.place(row["folder"]),
            )
        )
    return found


def remove_people(store: Store, tenant: str, users: Sequence[str], words: Sequence[str] = ()) -> list[str]:
    """Write the archives of a tenant anew without some users' events (stored ids), `erased` in place of the words in
    other people's; the files that were replaced.

    Doing it again finds nothing more. Raises Invalid naming a damaged file, Unavailable.
    """
    storage = Storage(store.settings)
    packing, records = Packing(storage, store.settings.data), store.records.lifecycle
    gone, redact = pa.array(sorted(users), pa.string()), Redaction(words)

    def change(rows: pa.Table) -> pa.Table:
        # an archive knows people by the pseudonyms of its time
        return redact(_without(carried(store, tenant, rows), gone))

    changed: list[str] = []
    with store.rollups.changing:
        for row in [one for one in records.archives(tenant) if one["state"] == "kept"]:
            manifest = packing.manifest(row["folder"])
            fresh = packing.rewrite(row["folder"], manifest, change)
            if fresh is not None:
                digest = packing.seal(row["folder"], fresh)
                manifest = fresh
                size = sum(part.bytes for part in fresh.parts)
                records.change(tenant, row["id"], rows=fresh.rows, bytes=size, digest=digest)
                records.set_rows(tenant, row["id"], fresh.days)
            named = {NAME, *(part.name for part in manifest.parts)}
            strays = _strays(storage.names(row["folder"]), named)
            storage.remove(row["folder"], strays)
            changed += [storage.place(f"{row['folder']}/{name}") for name in strays]
    return changed


def _without(rows: pa.Table, users: pa.Array) -> pa.Table:
    return rows.filter(pc.invert(pc.is_in(rows["user"], users)))


def _strays(there: Iterable[str], named: set[str]) -> list[str]:
    """Files that no manifest names any more: replaced now, or by a run that was killed."""
    return [name for name in there if name not in named]
