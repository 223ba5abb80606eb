"""Recent: answers of the records that are asked for with every request, kept for a moment."""

import threading
import time
from collections.abc import Callable, Hashable
from typing import Any, TypeVar, cast

T = TypeVar("T")

MOST_KEPT = 20_000


class Recent:
    """Answers that are at most so many seconds old, and never older than the last change in this process."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._kept: dict[Hashable, tuple[float, Any]] = {}
        self._changes = 0
        self._lock = threading.Lock()

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """The answer kept under the key, else a new one."""
        found = self._kept.get(key)
        begun = time.monotonic()
        if found is not None and begun - found[0] <= self._seconds:
            return cast(T, found[1])
        changes = self._changes
        made = make()
        with self._lock:
            # what was read before a change is not kept after it
            if changes == self._changes:
                if len(self._kept) >= MOST_KEPT:
                    self._kept.clear()
                self._kept[key] = (begun, made)
        return made

    @property
    def changes(self) -> int:
        """How often something has changed in this process."""
        return self._changes

    def forget(self) -> None:
        """Something has changed: nothing kept holds any longer."""
        with self._lock:
            self._changes += 1
            self._kept.clear()
