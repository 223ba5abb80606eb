"""Committed: who wants to hear of events is told when they are on disk, and visible to the next question."""

import threading
from collections.abc import Callable

import pyarrow as pa
import structlog

log = structlog.get_logger()

Hears = Callable[[pa.Table], None]


class Committed:
    """The listeners of one process. Each is called by the thread that commits, and so must only note and return."""

    def __init__(self) -> None:
        self._listeners: tuple[Hears, ...] = ()
        self._changing = threading.Lock()

    def listen(self, hear: Hears) -> Callable[[], None]:
        """Be told of every group from now on: its new events, columns as in the events table. Returns how to stop."""
        with self._changing:
            self._listeners = (*self._listeners, hear)

        def stop() -> None:
            with self._changing:
                self._listeners = tuple(one for one in self._listeners if one is not hear)

        return stop

    def tell(self, rows: pa.Table) -> None:
        """Tell all of them. What goes wrong there never reaches the way in."""
        for hear in self._listeners:
            try:
                hear(rows)
            except Exception:
                log.exception("listener_failed", events=len(rows), effect="it has missed them; they are committed")
