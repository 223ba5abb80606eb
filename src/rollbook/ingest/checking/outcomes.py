"""What came in and did not become an event, added up for a second by source and reason."""

import threading
from collections import Counter
from collections.abc import Sequence
from datetime import datetime

import pyarrow as pa

from rollbook.ingest.reasons import Rejected
from rollbook.store import Store
from rollbook.store.intake import not_taken
from rollbook.store.intake.not_taken import DUPLICATE, quarter_of

# between two flushes; sources are named by senders, who may make up any number of them
MOST_KEPT = 20_000

Outcomes = Counter[tuple[str, str, str]]
"""Events by tenant, source and reason."""


class NotTaken:
    """Counts on their way to the table. Those of the last second before a crash are lost."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._counts: Counter[tuple[str, datetime, str, str]] = Counter()

    def add(self, outcomes: Outcomes, stamp: datetime) -> None:
        """Count what was received at a moment. Of too many sources at once the last are counted under none."""
        quarter = quarter_of(stamp)
        with self._lock:
            for (tenant, source, reason), events in outcomes.items():
                key = (tenant, quarter, source, reason)
                if key not in self._counts and len(self._counts) >= MOST_KEPT:
                    key = (tenant, quarter, "", reason)
                self._counts[key] += events

    def flush(self) -> None:
        """Write the counts to the table. If that fails they stay here, for the next time."""
        with self._lock:
            counts, self._counts = self._counts, Counter()
        try:
            not_taken.add(self._store.engine, counts)
        except Exception:
            with self._lock:
                self._counts.update(counts)
            raise


def duplicates(rows: pa.Table) -> Outcomes:
    """The counts of rows that had been committed before."""
    groups = rows.select(["tenant", "source"]).group_by(["tenant", "source"]).aggregate([([], "count_all")])
    return Counter({(row["tenant"], row["source"], DUPLICATE): row["count_all"] for row in groups.to_pylist()})


def refused(rejected: Sequence[Rejected], tenant: str) -> Outcomes:
    """The counts of what was refused for what it is; `tenant`: whose it is where it does not say."""
    return Counter((one.tenant or tenant, one.source, one.reason) for one in rejected if one.kept)
