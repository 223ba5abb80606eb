"""Room: events are refused before the disk is full, so that nothing tears, and taken again when there is room."""

import shutil

from rollbook.errors import Unavailable
from rollbook.store import Store

MOST_KEPT_FREE = 64 << 20
SHARE_KEPT_FREE = 50
RETRY_SECONDS = 10


class Room:
    """The room on the disk of the data folder."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._folder = store.settings.data
        wanted = store.settings.min_free_bytes
        if wanted is None:
            wanted = min(MOST_KEPT_FREE, shutil.disk_usage(self._folder).total // SHARE_KEPT_FREE)
        self._least = wanted
        self._noted: str | None = None

    def check(self) -> None:
        """Raises Unavailable if there is too little."""
        if detail := self.look():
            raise Unavailable(detail, retry_after_seconds=RETRY_SECONDS)

    def look(self) -> str | None:
        """What is wrong, None if there is room; /health says the same."""
        free = shutil.disk_usage(self._folder).free
        if self._least and free < self._least:
            self._noted = (
                f"the disk of the data folder has {free >> 20} MiB left, less than the {self._least >> 20} MiB of"
                " ROLLBOOK_MIN_FREE_BYTES; events are taken again when there is room"
            )
            self._store.note_trouble(self._noted)
            return self._noted
        if self._noted is not None:
            if self._store.trouble == self._noted:
                self._store.note_trouble(None)
            self._noted = None
        return None
