"""Seen: which events have been committed before. Counted once per (tenant, id) within the window, also after a restart.

Bloom filters in memory answer "certainly new" for nearly every event; only what they flag is looked up: first among the
keys that are not in the table `event_keys` yet, then there. Filters belong to this process: one writer per store.
"""

import hashlib
import json
import threading
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import structlog

from rollbook.errors import RollbookError
from rollbook.ingest.once.filter import BITS_PER_KEY, Filter, saved
from rollbook.store import Store, keys

log = structlog.get_logger()

BYTES_PER_KEY = BITS_PER_KEY / 8
FIRST_CAPACITY = 4_000_000
WARM_AGAIN_SECONDS = 30


@dataclass(slots=True)
class Layer:
    """A filter of the keys received up to `newest`; a full one is followed by a larger one."""

    filter: Filter
    capacity: int
    held: int
    newest: datetime


class Seen:
    """What the way in remembers. Only the committing thread calls `duplicates` and `add`."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._folder = store.settings.data / "dedup"
        self._layers: list[Layer] = []
        self._warmed: list[Layer] = []
        self._changing = threading.Lock()
        self._recent: set[bytes] = set()
        self._segments: deque[tuple[datetime, list[bytes]]] = deque()
        self._warm = threading.Event()
        self._stopping = threading.Event()
        self._warming: threading.Thread | None = None
        self._filled = keys.watermark(store.engine)
        if self._load():
            self._warm.set()
        else:
            self._warming = threading.Thread(target=self._warm_up, name="dedup-warming", daemon=True)
            self._warming.start()

    def duplicates(self, wanted: list[bytes]) -> set[bytes]:
        """Those of the keys that were committed before. Raises Unavailable if the store cannot be asked."""
        flagged = self._flagged(wanted)
        if not flagged:
            return set()
        recent = {key for key in flagged if key in self._recent}
        rest = {keys.number_of(key): key for key in flagged if key not in recent}
        stored = keys.known(self._store.engine, list(rest), self._store.window_start()) if rest else set()
        return recent | {rest[number] for number in stored}

    def add(self, committed: list[bytes], stamp: datetime) -> None:
        """Remember keys that were committed at `stamp`."""
        self._recent.update(committed)
        self._segments.append((stamp, committed))
        layer = self._current(self._layers, stamp)
        layer.filter.tell(committed)
        layer.held += len(committed)
        layer.newest = max(layer.newest, stamp)

    def pending(self) -> int:
        """How many keys are not in the table yet."""
        return len(self._recent)

    def settle(self) -> None:
        """Write the keys of everything committed so far to the table, and forget what left the window."""
        if not self._segments:
            return
        upto = self._segments[-1][0]
        keys.fill(self._store.engine, self._filled or upto - timedelta(days=1), upto)
        self._filled = upto
        while self._segments and self._segments[0][0] <= upto:
            self._recent.difference_update(self._segments.popleft()[1])

    def expire(self) -> None:
        """Forget what left the window, here and in the table."""
        start = self._store.window_start()
        with self._changing:
            # in place: the committing thread may hold the list
            self._layers[:] = [layer for layer in self._layers if layer.newest >= start]
        keys.expire(self._store.engine, start)

    def leave(self) -> None:
        """Stop, and keep nothing: another process writes now."""
        self._stopping.set()
        if self._warming is not None:
            self._warming.join()

    def close(self) -> None:
        """Keep the filters for the next start; only called on a clean stop, after `settle`."""
        self.leave()
        if not self._warm.is_set():
            return
        self._folder.mkdir(exist_ok=True)
        layers = []
        for number, layer in enumerate(self._layers):
            path = self._folder / f"{number}.filter"
            layer.filter.save(path)
            layers.append([layer.capacity, layer.held, layer.newest.isoformat(), _digest(path)])
        meta = {"filled": self._filled.isoformat() if self._filled else None, "layers": layers}
        (self._folder / "filters.json").write_text(json.dumps(meta))

    def wait_until_warm(self, timeout_seconds: float) -> bool:
        """Whether the filters hold all of the window; until then every key is looked up."""
        return self._warm.wait(timeout_seconds)

    def _flagged(self, wanted: list[bytes]) -> list[bytes]:
        if not self._warm.is_set():
            return wanted
        may = np.zeros(len(wanted), bool)
        for layer in list(self._layers):
            may |= layer.filter.may_hold(wanted)
        return [wanted[place] for place in np.flatnonzero(may)]

    def _current(self, layers: list[Layer], stamp: datetime) -> Layer:
        """The layer that takes new keys. At the memory limit the last is overfilled: more look-ups, never an error."""
        with self._changing:
            if layers and layers[-1].held < layers[-1].capacity:
                return layers[-1]
            allowed = int(self._store.settings.dedup_filter_bytes / BYTES_PER_KEY)
            left = allowed - sum(layer.capacity for layer in (*self._layers, *self._warmed))
            # while it warms up there are two lists to grow
            capacity = min(layers[-1].capacity * 2, left) if layers else min(FIRST_CAPACITY, left // 2)
            if layers and capacity < FIRST_CAPACITY // 4:
                return layers[-1]
            layers.append(Layer(Filter(max(capacity, 1000)), capacity, 0, stamp))
            return layers[-1]

    def _load(self) -> bool:
        """Take the filters of a clean stop; they are gone then, so that they cannot outlive an unclean one."""
        marker = self._folder / "filters.json"
        try:
            meta = json.loads(marker.read_text())
            marker.unlink()
            saved = datetime.fromisoformat(meta["filled"]) if meta["filled"] else None
            if saved != self._filled:
                return False
            self._layers = [self._layer(number, *known) for number, known in enumerate(meta["layers"])]
        except (OSError, ValueError, KeyError, TypeError):
            self._layers = []
            return self._filled is None
        return True

    def _layer(self, number: int, capacity: int, held: int, newest: str, digest: str) -> Layer:
        """A filter of a clean stop. Raises ValueError if it is not whole: it would let duplicates pass."""
        path = self._folder / f"{number}.filter"
        if _digest(path) != digest:
            raise ValueError(f"{path} is torn")
        return Layer(saved(path), capacity, held, datetime.fromisoformat(newest))

    def _warm_up(self) -> None:
        """Fill filters from the table in the background; new keys go to others meanwhile."""
        while not self._stopping.is_set():
            try:
                self._fill_from_table()
            except RollbookError as error:
                log.warning("dedup_warming_failed", detail=error.detail, effect="every event id is looked up meanwhile")
                self._warmed.clear()
                self._stopping.wait(WARM_AGAIN_SECONDS)
            else:
                return

    def _fill_from_table(self) -> None:
        now = datetime.now(UTC)
        for block in keys.since(self._store.engine, self._store.window_start()):
            if self._stopping.is_set():
                return
            layer = self._current(self._warmed, now)
            layer.filter.tell(block)
            layer.held += len(block)
        with self._changing:
            self._layers[:0] = self._warmed
            self._warmed = []
        self._warm.set()


def _digest(path: Path) -> str:
    with path.open("rb") as written:
        return hashlib.file_digest(written, "blake2b").hexdigest()
