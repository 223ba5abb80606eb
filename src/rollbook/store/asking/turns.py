"""Turns: how many questions run at once, how many may wait for that and how long, and giving one up that runs."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from rollbook.errors import Unavailable

# of those who wait, the least; each holds a thread
FEWEST_WAITING = 20
WAIT_SECONDS = 10.0
RETRY_SECONDS = 5
LOOK_SECONDS = 0.1
GIVE_UP_SECONDS = 5.0


class Asking:
    """The questions of one call. When nobody waits for the answers any longer, `give_up`."""

    def __init__(self) -> None:
        self.given_up = False
        self._lock = threading.Lock()
        self._running: dict[str, Callable[[str], None]] = {}

    def check(self) -> None:
        """Raises Unavailable once it is given up."""
        if self.given_up:
            raise Unavailable("nobody waits for the answer any longer")

    @contextmanager
    def running(self, mark: str, kill: Callable[[str], None]) -> Iterator[None]:
        """While a question of this mark runs, `kill(mark)` ends it."""
        with self._lock:
            self.check()
            self._running[mark] = kill
        try:
            yield
        finally:
            with self._lock:
                del self._running[mark]

    def is_running(self) -> bool:
        """Whether a question runs now."""
        return bool(self._running)

    def give_up(self) -> None:
        """End what runs, and begin nothing more. Blocks until it has ended, at most some seconds."""
        until = time.monotonic() + GIVE_UP_SECONDS
        self.given_up = True
        while time.monotonic() < until:
            with self._lock:
                running = dict(self._running)
            if not running:
                return
            # one that has not quite begun cannot be ended yet, so it is tried again
            for mark, kill in running.items():
                kill(mark)
            time.sleep(LOOK_SECONDS)


# what a call asks, for whoever may have to give it up; None: nobody
asking: ContextVar[Asking | None] = ContextVar("asking", default=None)


class Turns:
    """At most `limit` at once; others wait, not too many of them and not for long."""

    def __init__(self, limit: int, most_seconds: float) -> None:
        self._limit = limit
        self._seconds = min(most_seconds, WAIT_SECONDS)
        self._most_waiting = most_waiting(limit)
        self._free = threading.Condition()
        self._running = 0
        self._waiting = 0

    @contextmanager
    def taken(self) -> Iterator[None]:
        """One turn. Raises Unavailable when none becomes free."""
        with self._free:
            if self._running >= self._limit:
                self._wait()
            self._running += 1
        try:
            yield
        finally:
            with self._free:
                self._running -= 1
                self._free.notify()

    def _wait(self) -> None:
        if self._waiting >= self._most_waiting:
            raise self._too_many(f"and {self._waiting} wait")
        self._waiting += 1
        until, call = time.monotonic() + self._seconds, asking.get()
        try:
            while self._running >= self._limit:
                if call is not None:
                    call.check()
                left = until - time.monotonic()
                if left <= 0:
                    raise self._too_many(f"none of which has ended in {self._seconds:g} s")
                self._free.wait(min(left, LOOK_SECONDS))
        finally:
            self._waiting -= 1

    def _too_many(self, more: str) -> Unavailable:
        return Unavailable(
            f"{self._limit} questions are running already (PARALLEL_QUERY_LIMIT), {more}; ask again later",
            retry_after_seconds=RETRY_SECONDS,
        )


def most_waiting(limit: int) -> int:
    """How many wait for a turn at most; the next one is refused at once."""
    return max(FEWEST_WAITING, 2 * limit)
