"""Trail: writes the lines of the audit trail."""

from rollbook.governance.audit.line import Line
from rollbook.store import Store


class Trail:
    """Appends lines, in order."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def note(self, line: Line) -> None:
        """Write a line; when it returns, the line is on disk. Raises Unavailable."""

    def note_soon(self, line: Line) -> None:
        """Write a line with the next ones; what a crash takes is found again from the events (ingest only)."""

    def note_now(self, line: Line) -> None:
        """The blocking twin of `note`, for threads."""

    def close(self) -> None:
        """Write what waits."""
