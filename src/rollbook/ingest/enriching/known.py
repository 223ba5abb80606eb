"""What is known of users: their traits, and how long they have been there; looked up together, kept for a moment."""

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from rollbook.store import Store
from rollbook.store.intake import histories
from rollbook.store.intake.histories import History

T = TypeVar("T")

MOST_KEPT = 100_000
TRAITS_SECONDS_OLD = 5.0
HISTORY_SECONDS_OLD = 60.0


class Kept(Generic[T]):
    """Answers by tenant and user, at most so many seconds old; None: there is nothing of a user."""

    def __init__(
        self, seconds: float, find: Callable[[str, Sequence[str]], dict[str, T]], changes: Callable[[], int] = lambda: 0
    ) -> None:
        """`changes` counts changes in this process: nothing is kept beyond one."""
        self._seconds = seconds
        self._find = find
        self._changes = changes
        self._seen = changes()
        self._kept: dict[tuple[str, str], tuple[float, T | None]] = {}
        self._lock = threading.Lock()

    def of(self, tenant: str, users: Sequence[str]) -> dict[str, T]:
        """What there is of some users; all that is not kept is looked up at once."""
        now, changes = time.monotonic(), self._changes()
        if changes != self._seen:
            with self._lock:
                self._kept, self._seen = {}, changes
        held = {user: self._kept.get((tenant, user)) for user in users}
        missing = [user for user, one in held.items() if one is None or now - one[0] > self._seconds]
        found = {user: one[1] for user, one in held.items() if one is not None}
        if missing:
            fresh = self._find(tenant, missing)
            found |= {user: fresh.get(user) for user in missing}
            with self._lock:
                if changes != self._seen:
                    # what was read before a change is not kept after it
                    return {user: one for user, one in found.items() if one is not None}
                if len(self._kept) + len(missing) > MOST_KEPT:
                    self._kept.clear()
                self._kept |= {(tenant, user): (now, fresh.get(user)) for user in missing}
        return {user: one for user, one in found.items() if one is not None}


class Known:
    """The people of a store, as enrichers see them."""

    def __init__(self, store: Store) -> None:
        self.traits: Kept[dict[str, Any]] = Kept(
            TRAITS_SECONDS_OLD, store.records.traits.of, lambda: store.records.traits.changes
        )
        self.histories: Kept[History] = Kept(
            HISTORY_SECONDS_OLD, lambda tenant, users: histories.of_users(store.engine, tenant, users)
        )
