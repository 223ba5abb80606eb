"""Tally: accepted, duplicate, rejected and late events by tenant, minute and dialect, added up for a second."""

import threading
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from rollbook.store import Store, counters

Key = tuple[str, datetime, str, str]


class Tally:
    """Counts on their way to the table. Accepted, late and rejected are recounted after a crash; see store/counters."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._late_after = timedelta(seconds=store.settings.late_after_seconds)
        self._lock = threading.Lock()
        self._counts: Counter[Key] = Counter()
        self._upto: datetime | None = None

    def committed(self, rows: pa.Table, stamp: datetime) -> None:
        """Count rows that were committed at `stamp`; those of imports are never late."""
        before = int((stamp - self._late_after).timestamp() * 1000)
        late = rows.column("timestamp").to_numpy().astype(np.int64) < before
        for (tenant, dialect), chosen in _kinds(rows):
            self._add(tenant, dialect, "accepted", len(rows) if chosen is None else int(chosen.sum()), stamp)
            if not dialect.startswith("import"):
                self._add(tenant, dialect, "late", int((late if chosen is None else late & chosen).sum()), stamp)

    def refused(self, tenant: str, dialect: str, outcome: str, events: int, stamp: datetime) -> None:
        """Count duplicates or rejected events."""
        self._add(tenant, dialect, outcome, events, stamp)

    def flush(self) -> None:
        """Write the counts to the table. If that fails they stay here, for the next time."""
        with self._lock:
            counts, upto = self._counts, self._upto
            self._counts = Counter()
        if not counts or upto is None:
            return
        try:
            counters.add(self._store.engine, counts, upto)
        except Exception:
            with self._lock:
                self._counts.update(counts)
            raise

    def _add(self, tenant: str, dialect: str, outcome: str, events: int, stamp: datetime) -> None:
        if events:
            with self._lock:
                self._counts[tenant, stamp.replace(second=0, microsecond=0), dialect, outcome] += events
                self._upto = stamp


def _kinds(rows: pa.Table) -> Iterator[tuple[tuple[str, str], np.ndarray | None]]:
    """The (tenant, dialect) pairs of the rows, with a mask of each one's rows; None: all rows are of one kind."""
    tenants, dialects = rows.column("tenant"), rows.column("dialect")
    pairs = [(t, d) for t in pc.unique(tenants).to_pylist() for d in pc.unique(dialects).to_pylist()]
    if len(pairs) == 1:
        yield pairs[0], None
        return
    for tenant, dialect in pairs:
        yield (tenant, dialect), pc.and_(pc.equal(tenants, tenant), pc.equal(dialects, dialect)).to_numpy()
