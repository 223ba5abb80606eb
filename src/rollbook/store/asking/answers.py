"""Answers: what questions about closed periods have found, kept for a while, and forgotten the moment it may be wrong.

The key is the whole SQL and everything that is bound to it: the tenant, the time, the people and courses that the grant
allows, those left out for want of consent, the days that are hot or sealed, and the question's parameters. So nobody
gets what was found for somebody who may see more, and a change of any of these is another question. A change of the
rows themselves (`store/asking/changes.py`) throws out all that is kept of the tenant, at once and from memory.
"""

import hashlib
import pickle
import threading
import time
from collections import OrderedDict, defaultdict
from collections.abc import Callable
from dataclasses import dataclass

from rollbook.store.asking.changes import Change, Changed, Changes, Version
from rollbook.store.engine import Engine, Row

# of all that may be kept, one answer at most this part
LARGEST_PART = 4
# what an entry takes besides its rows
ENTRY_BYTES = 400


@dataclass(frozen=True, slots=True)
class Found:
    """`kept`: whether it was found before; then `age_seconds` ago."""

    rows: list[Row]
    kept: bool = False
    age_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Keeping:
    """How long a found answer may be kept, and the count of changes from before anything was read for it."""

    tenant: str
    version: Version
    seconds: float


@dataclass(frozen=True, slots=True)
class _Kept:
    rows: bytes
    version: Version
    at: float
    until: float

    def bytes(self) -> int:
        return len(self.rows) + ENTRY_BYTES


_Key = tuple[str, bytes]


class Answers:
    """The kept answers of one store, at most `most_bytes` of them; the least used go first. 0: nothing is kept."""

    def __init__(
        self, engine: Engine, changes: Changes, most_bytes: int, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._engine = engine
        self._changes = changes
        self._most_bytes = most_bytes
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: OrderedDict[_Key, _Kept] = OrderedDict()
        self._of: defaultdict[str, set[_Key]] = defaultdict(set)
        self._bytes = 0
        changes.listen(self._hear)

    def keeping(self, tenant: str, seconds: float) -> Keeping | None:
        """To be asked for before anything is read that an answer follows from; None: it is not kept."""
        if self._most_bytes <= 0 or seconds <= 0:
            return None
        return Keeping(tenant, self._changes.version(tenant), seconds)

    def query(self, sql: str, bound: Row, keeping: Keeping | None) -> Found:
        """What is kept, or what the store says. Raises as `Engine.query`."""
        if keeping is None:
            return Found(self._engine.query(sql, bound))
        key = (keeping.tenant, hashlib.blake2b(repr((sql, sorted(bound.items()))).encode(errors="replace")).digest())
        kept = self._look(key, keeping)
        if kept is not None:
            # made by ourselves a moment ago, in this process
            return Found(pickle.loads(kept.rows), kept=True, age_seconds=self._clock() - kept.at)
        began = self._clock()
        rows = self._engine.query(sql, bound)
        self._keep(key, _Kept(pickle.dumps(rows), keeping.version, began, began + keeping.seconds))
        return Found(rows)

    def bytes(self) -> int:
        """How much is kept."""
        return self._bytes

    def _look(self, key: _Key, keeping: Keeping) -> _Kept | None:
        with self._lock:
            kept = self._kept.get(key)
            if kept is None or kept.version != keeping.version or self._clock() >= kept.until:
                return None
            self._kept.move_to_end(key)
            return kept

    def _keep(self, key: _Key, kept: _Kept) -> None:
        if kept.bytes() * LARGEST_PART > self._most_bytes:
            return
        with self._lock:
            # what changed while it was read would never be thrown out again
            if self._changes.version(key[0]) != kept.version:
                return
            self._drop(key)
            self._kept[key] = kept
            self._of[key[0]].add(key)
            self._bytes += kept.bytes()
            while self._bytes > self._most_bytes:
                self._drop(next(iter(self._kept)))

    def _drop(self, key: _Key) -> None:
        kept = self._kept.pop(key, None)
        if kept is None:
            return
        self._bytes -= kept.bytes()
        self._of[key[0]].discard(key)
        if not self._of[key[0]]:
            del self._of[key[0]]

    def _hear(self, change: Change) -> None:
        if not isinstance(change, Changed) or not self._kept:
            return
        with self._lock:
            of = list(self._kept) if change.tenant is None else list(self._of.get(change.tenant, ()))
            for key in of:
                self._drop(key)
