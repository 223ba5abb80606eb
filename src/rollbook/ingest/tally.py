"""Tally: accepted, duplicate, rejected and late events by tenant, minute and dialect, added up for a second."""

import threading
from collections import Counter
from collections.abc import Mapping
from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc

from rollbook.governance.audit import Trail
from rollbook.governance.audit.trail import ingested
from rollbook.ingest.checking.outcomes import NotTaken
from rollbook.store import Store, counters

Counted = Counter[tuple[str, str, str]]
"""Events by tenant, dialect and outcome."""

Sent = Mapping[tuple[str, str, str], int]
"""Accepted events by tenant, dialect and credential, of those that showed one."""

KINDS = ["tenant", "dialect"]


class Tally:
    """Counts on their way to the table. Accepted, late and rejected are recounted after a crash; see store/counters."""

    def __init__(self, store: Store, trail: Trail | None = None) -> None:
        """`trail`: where a line is written for each group; None: nowhere."""
        self._store = store
        self._trail = trail
        self.not_taken = NotTaken(store)
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

    def add(self, counts: Counted, stamp: datetime, sent: Sent | None = None) -> None:
        """Count what was received at `stamp`: all of it at once, since a count says up to when everything is in it."""
        if self._trail is not None:
            self._note(self._trail, counts, stamp, sent or {})
        minute = stamp.replace(second=0, microsecond=0)
        with self._lock:
            for (tenant, dialect, outcome), events in counts.items():
                self._counts[tenant, minute, dialect, outcome] += events
                self._upto = stamp

    def _note(self, trail: Trail, counts: Counted, stamp: datetime, sent: Sent) -> None:
        """A line of the audit trail for each tenant, dialect and credential of a group."""
        left = {(tenant, dialect): n for (tenant, dialect, outcome), n in counts.items() if outcome == "accepted"}
        for (tenant, dialect, credential), events in sent.items():
            if events:
                trail.note_soon(ingested(tenant, dialect, stamp, events, credential=credential))
                left[tenant, dialect] = left.get((tenant, dialect), 0) - events
        for (tenant, dialect), events in left.items():
            if events > 0:
                trail.note_soon(ingested(tenant, dialect, stamp, events))

    def flush(self) -> None:
        """Write the counts to their tables. If that fails they stay here, for the next time."""
        self.not_taken.flush()
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
