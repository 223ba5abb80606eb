"""Tally: accepted, duplicate, rejected and late events by tenant, minute and dialect, added up for a second."""

import threading
from collections import Counter
from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc

from rollbook.store import Store, counters

Counted = Counter[tuple[str, str, str]]
"""Events by tenant, dialect and outcome."""

KINDS = ["tenant", "dialect"]


class Tally:
    """Counts on their way to the table. Accepted, late and rejected are recounted after a crash; see store/counters."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._late_after_ms = store.settings.late_after_seconds * 1000
        self._lock = threading.Lock()
        self._counts: Counter[tuple[str, datetime, str, str]] = Counter()
        self._upto: datetime | None = None

    def accepted(self, rows: pa.Table) -> Counted:
        """The counts of rows that were committed: accepted, and late on arrival; imports never are."""
        counts = counted(rows, "accepted")
        age = pc.subtract(rows.column("received").cast(pa.int64()), rows.column("timestamp").cast(pa.int64()))
        late = pc.greater(age, self._late_after_ms)
        if pc.any(late).as_py():
            kinds = rows.select(KINDS)
            late = pc.and_not(late, pc.starts_with(kinds.column("dialect"), "import"))
            counts += counted(kinds.filter(late), "late")
        return counts

    def add(self, counts: Counted, stamp: datetime) -> None:
        """Count what was received at `stamp`: all of it at once, since a count says up to when everything is in it."""
        minute = stamp.replace(second=0, microsecond=0)
        with self._lock:
            for (tenant, dialect, outcome), events in counts.items():
                self._counts[tenant, minute, dialect, outcome] += events
                self._upto = stamp

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


def counted(rows: pa.Table, outcome: str) -> Counted:
    """How many rows there are by tenant and dialect."""
    kinds = rows.select(KINDS)
    if not len(rows):
        return Counter()
    if all(pc.count_distinct(column).as_py() == 1 for column in kinds.columns):
        return Counter({(kinds["tenant"][0].as_py(), kinds["dialect"][0].as_py(), outcome): len(rows)})
    groups = kinds.group_by(KINDS).aggregate([([], "count_all")]).to_pylist()
    return Counter({(group["tenant"], group["dialect"], outcome): group["count_all"] for group in groups})
