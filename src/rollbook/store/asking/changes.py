"""Changes: how often what is kept of a tenant has changed, and who hears of it the moment it can be read.

The ground between the way in and the live side, which may not know each other. The order is what makes answers exact:
first the change can be read, then the count grows and listeners hear of it, and only then is it acknowledged. So who
notes a count, reads, and finds the count unchanged, knows that what they read is all that was acknowledged by then.
"""

import threading
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.compute as pc
import structlog

log = structlog.get_logger()

Version = tuple[int, int]

# tables that no question reads
ASIDE = frozenset({"rollup_days", "event_keys", "audit", "erasing", "correcting"})


@dataclass(frozen=True, slots=True)
class Changed:
    """Something of a tenant changed (None: of any). `by_rows`: rows came; who waits for events hears of a commit."""

    tenant: str | None
    by_rows: bool = False


@dataclass(frozen=True, slots=True)
class Committed:
    """Events can be read, all of those with this time of receipt and before; their columns as in `events`."""

    stamp: datetime
    rows: pa.Table


Change = Changed | Committed
Listener = Callable[[Change], None]


class Changes:
    """The counts and the listeners of one store. Listeners are called in the thread of the change, so be quick.

    `stamp`: the time of receipt of the events that were committed last; None: that is not known yet.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._of: dict[str, int] = {}
        self._all = 0
        self._listeners: tuple[Listener, ...] = ()
        self.stamp: datetime | None = None

    def version(self, tenant: str) -> Version:
        """The count of a tenant's changes; the same later means that nothing has changed in between."""
        return self._all, self._of.get(tenant, 0)

    def changed(self, tenant: str | None, *, by_rows: bool = False) -> None:
        """Something that can be read by now has changed; None: nobody knows of whom."""
        with self._lock:
            if tenant is None:
                self._all += 1
            else:
                self._of[tenant] = self._of.get(tenant, 0) + 1
        self._tell(Changed(tenant, by_rows))

    def wrote(self, table: str, rows: pa.Table, tenants: Collection[str] | None = None) -> None:
        """Rows (of these tenants) were added to a table, or perhaps some of them."""
        if table in ASIDE:
            return
        if tenants is None and "tenant" not in rows.column_names:
            self.changed(None, by_rows=True)
            return
        for tenant in pc.unique(rows["tenant"]).to_pylist() if tenants is None else tenants:
            self.changed(tenant, by_rows=True)

    def committed(self, rows: pa.Table) -> None:
        """Events were committed together: they have one time of receipt."""
        if len(rows):
            stamp = rows["received"][0].as_py().replace(tzinfo=UTC)
            self.reached(stamp)
            self._tell(Committed(stamp, rows))

    def reached(self, stamp: datetime) -> None:
        """All events that were received then and before can be read."""
        self.stamp = max(self.stamp or stamp, stamp)

    def listen(self, listener: Listener) -> None:
        """Hear of every change from now on."""
        with self._lock:
            self._listeners = (*self._listeners, listener)

    def ignore(self, listener: Listener) -> None:
        """Hear no more."""
        with self._lock:
            self._listeners = tuple(one for one in self._listeners if one != listener)

    def on_commit(self, hear: Callable[[pa.Table], None]) -> Callable[[], None]:
        """Hear of the rows of every group that is committed, columns as in `events`. Returns how to stop."""

        def listener(change: Change) -> None:
            # of what was in doubt for a while, less is known
            if isinstance(change, Committed) and "properties" in change.rows.column_names:
                hear(change.rows)

        self.listen(listener)
        return lambda: self.ignore(listener)

    def _tell(self, change: Change) -> None:
        for listener in self._listeners:
            try:
                listener(change)
            except Exception:
                # what is committed is committed, whoever cannot hear of it
                log.exception("change_not_heard", listener=repr(listener))
