"""Tally: accepted, duplicate, rejected and late events by tenant, minute and dialect, added up for a second."""

import threading
from collections import Counter
from datetime import datetime, timedelta

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
        age = pc.less(rows.column("timestamp"), pa.scalar(stamp - self._late_after, pa.timestamp("ms")))
        counted = (
            pa.table({"tenant": rows.column("tenant"), "dialect": rows.column("dialect"), "late": age})
            .group_by(["tenant", "dialect"])
            .aggregate([("late", "count"), ("late", "sum")])
        )
        for row in counted.to_pylist():
            self._add(row["tenant"], row["dialect"], "accepted", row["late_count"], stamp)
            if not row["dialect"].startswith("import"):
                self._add(row["tenant"], row["dialect"], "late", row["late_sum"], stamp)

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
