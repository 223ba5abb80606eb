"""Seen: which events have been committed before. Counted once per (tenant, id) within the window, also after a restart.

Bloom filters in memory answer "certainly new" for nearly every event; only what they flag is looked up: first among the
keys that are not in the table `event_keys` yet, then there. Filters belong to this process: one writer per store.
"""

import json
import threading
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog
from rbloom import Bloom

from rollbook.errors import RollbookError
from rollbook.store import Store, keys

log = structlog.get_logger()

FALSE_POSITIVES = 0.0001  # a look-up costs milliseconds, and a group of ten thousand should rarely need one
BYTES_PER_KEY = 2.4  # 19.2 bits at one in ten thousand
FIRST_CAPACITY = 4_000_000
UNSIGNED = (1 << 128) - 1


@dataclass(slots=True)
class Layer:
    """A filter of the keys received up to `newest`; a full one is followed by a larger one."""

    bloom: Bloom
    capacity: int
    held: int
    newest: datetime


class Seen:
    """What the way in remembers. Only the committing thread calls `duplicates` and `add`."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._folder = store.settings.data / "dedup"
        self._layers: list[Layer] = []
        self._recent: set[int] = set()
        self._segments: deque[tuple[datetime, list[int]]] = deque()
        self._warm = threading.Event()
        self._stopping = False
        self._filled = keys.watermark(store.engine)
        if self._load():
            self._warm.set()
        else:
            self._warming = threading.Thread(target=self._fill_from_table, name="dedup-warming", daemon=True)
            self._warming.start()

    def duplicates(self, wanted: list[int]) -> set[int]:
        """Those of the keys that were committed before. Raises Unavailable if the store cannot be asked."""
        flagged = self._flagged(wanted)
        if not flagged:
            return set()
        recent = {key for key in flagged if key in self._recent}
        rest = [key & UNSIGNED for key in flagged if key not in recent]
        stored = keys.known(self._store.engine, rest, self._store.window_start()) if rest else set()
        return recent | {key for key in flagged if key & UNSIGNED in stored}

    def add(self, committed: list[int], stamp: datetime) -> None:
        """Remember keys that were committed at `stamp`."""
        self._recent.update(committed)
        self._segments.append((stamp, committed))
        layer = self._current(stamp)
        layer.bloom.update(committed)
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
        self._layers = [layer for layer in self._layers if layer.newest >= start]
        keys.expire(self._store.engine, start)

    def save(self) -> None:
        """Keep the filters for the next start; only called on a clean stop, after `settle`."""
        self._stopping = True
        if not self._warm.is_set():
            return
        self._folder.mkdir(exist_ok=True)
        for number, layer in enumerate(self._layers):
            layer.bloom.save(str(self._folder / f"{number}.bloom"))
        meta = {
            "filled": self._filled.isoformat() if self._filled else None,
            "layers": [[layer.capacity, layer.held, layer.newest.isoformat()] for layer in self._layers],
        }
        (self._folder / "filters.json").write_text(json.dumps(meta))

    def wait_until_warm(self, timeout_seconds: float) -> bool:
        """Whether the filters hold all of the window; until then every key is looked up."""
        return self._warm.wait(timeout_seconds)

    def _flagged(self, wanted: list[int]) -> list[int]:
        if not self._warm.is_set():
            return wanted
        blooms = [layer.bloom for layer in self._layers]
        if len(blooms) == 1:
            only = blooms[0]
            return [key for key in wanted if key in only]
        return [key for key in wanted if any(key in bloom for bloom in blooms)]

    def _current(self, stamp: datetime) -> Layer:
        """The layer that takes new keys. At the memory limit the last is overfilled: more look-ups, never an error."""
        if self._layers and self._layers[-1].held < self._layers[-1].capacity:
            return self._layers[-1]
        allowed = int(self._store.settings.dedup_filter_bytes / BYTES_PER_KEY)
        left = allowed - sum(layer.capacity for layer in self._layers)
        wanted = self._layers[-1].capacity * 2 if self._layers else FIRST_CAPACITY
        capacity = min(wanted, left)
        if self._layers and capacity < FIRST_CAPACITY // 4:
            return self._layers[-1]
        self._layers.append(Layer(Bloom(max(capacity, 1000), FALSE_POSITIVES, int), capacity, 0, stamp))
        return self._layers[-1]

    def _load(self) -> bool:
        """Take the filters of a clean stop; they are gone then, so that they cannot outlive an unclean one."""
        marker = self._folder / "filters.json"
        try:
            meta = json.loads(marker.read_text())
            marker.unlink()
            saved = datetime.fromisoformat(meta["filled"]) if meta["filled"] else None
            if saved != self._filled:
                return False
            self._layers = [
                Layer(Bloom.load(str(self._folder / f"{n}.bloom"), int), capacity, held, datetime.fromisoformat(newest))
                for n, (capacity, held, newest) in enumerate(meta["layers"])
            ]
        except (OSError, ValueError, KeyError):
            self._layers = []
            return self._filled is None
        return True

    def _fill_from_table(self) -> None:
        """Fill the filters from the table in the background; new keys go to the same layers' successors meanwhile."""
        own = self._beside()
        try:
            now = datetime.now(UTC)
            for block in keys.since(self._store.engine, self._store.window_start()):
                if self._stopping:
                    return
                layer = own._current(now)
                layer.bloom.update(map(_signed, block))
                layer.held += len(block)
        except RollbookError as error:
            log.warning("dedup_warming_failed", detail=error.detail, effect="every event id is looked up in the store")
            return
        self._layers = own._layers + self._layers
        self._warm.set()

    def _beside(self) -> "Seen":
        """An empty twin that shares nothing but the settings."""
        twin = object.__new__(Seen)
        twin._store, twin._layers = self._store, []
        return twin


def _signed(key: int) -> int:
    return key - (1 << 128) if key >> 127 else key
