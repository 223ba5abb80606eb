"""The publisher: a thread that passes committed events on to Redis, and keeps out of it whom nothing may be told of.

The way in only puts rows into its bounded queue. What does not fit, because Redis is away or slow, is left out there,
counted and logged; it is committed all the same. After a failure the same events are sent again, so that a subscriber
may see one twice: its `event_id` tells.
"""

import threading
import time
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial

import pyarrow as pa
import structlog
from redis.exceptions import RedisError, ResponseError

from rollbook.errors import RollbookError
from rollbook.governance.consent import Standing, standing_of
from rollbook.governance.tenants import tenants_of
from rollbook.store import Store
from rollbook.store.sharing import History, Published
from rollbook.store.sharing.history import published, read

log = structlog.get_logger()

GROUP_EVENTS = 1_000
TICK_SECONDS = 0.2
# how long Redis is left alone when it did not answer
REST_SECONDS = 2.0
EXPIRE_SECONDS = 60.0
# with the tick, and the half second for which a decision may be unknown, whoever opts out leaves within a second
SWEEP_SECONDS = 0.2
TOLD_SECONDS = 60.0
CLOSING_SECONDS = 2.0


class Publisher:
    """Publishes what a store commits. `state` says how Redis is: `ok`, or what is wrong."""

    def __init__(self, store: Store, history: History, *, most: int) -> None:
        """`most`: how many events may wait."""
        self._store = store
        self._history = history
        self._most = most
        self._wake = threading.Condition()
        self._queue: deque[pa.Table] = deque()
        self._waiting = 0
        self._closing = False
        self._silent: str | None = None
        self._told = float("-inf")
        self.left_out = 0
        self._swept: dict[str, Standing] = {}
        self._due: dict[Callable[[], None], float] = {self._expire: 0.0, self._sweep: 0.0}
        self._stop_listening = store.changes.on_commit(self._hear)
        self._thread = threading.Thread(target=self._run, name="publisher", daemon=True)
        self._thread.start()

    def state(self) -> str:
        """`ok`, or why nothing reaches Redis, how much waits, and how much was left out since the start."""
        if self._silent is None:
            return "ok"
        return f"{self._silent}; {self._waiting} events wait, {self.left_out} were left out"

    def close(self) -> None:
        """Publish what waits, if Redis answers, and stop."""
        self._stop_listening()
        with self._wake:
            self._closing = True
            self._wake.notify()
        self._thread.join()
        self._history.close()

    def _hear(self, rows: pa.Table) -> None:
        """Called by the thread that commits: note the rows, as far as there is room."""
        with self._wake:
            room = max(0, self._most - self._waiting)
            if len(rows) > room:
                self.left_out += len(rows) - room
                rows = rows.slice(0, room)
            if len(rows):
                self._queue.append(rows)
                self._waiting += len(rows)
                self._wake.notify()
        self._tell_left_out()

    def _tell_left_out(self) -> None:
        now = time.monotonic()
        if self.left_out and now - self._told >= TOLD_SECONDS:
            self._told = now
            log.warning(
                "redis_events_left_out", events=self.left_out, effect="they are committed; Redis is away or slow"
            )

    def _run(self) -> None:
        until = float("inf")
        while True:
            with self._wake:
                if not self._queue and not self._closing:
                    self._wake.wait(TICK_SECONDS)
                if self._closing:
                    until = min(until, time.monotonic() + CLOSING_SECONDS)
                if self._closing and (not self._queue or time.monotonic() > until):
                    return
                group = self._queue[0].slice(0, GROUP_EVENTS) if self._queue else None
            if self._tried(group):
                continue
            with self._wake:
                self._wake.wait(0.1 if self._closing else REST_SECONDS)

    def _tried(self, group: pa.Table | None) -> bool:
        """Publish the first that wait, and do what is due; whether Redis answered."""
        try:
            self._publish(group)
            self._do_due()
        except ResponseError as error:
            # it answers, and will not take this however often it is sent
            self._note(f"refuses: {error}")
            self._give_up(group)
            return group is not None
        except (RedisError, OSError) as error:
            self._note(f"not reachable: {error}")
            return False
        except RollbookError as error:
            self._note(f"waits: {error.detail}")
            return False
        except Exception:
            # one group that cannot be told must not end the telling
            log.exception("publishing_failed")
            self._give_up(group)
            return group is not None
        if self._silent is not None:
            log.info("redis_answers", left_out=self.left_out)
        self._silent = None
        return True

    def _note(self, why: str) -> None:
        if self._silent is None:
            log.warning("redis_silent", why=why, effect="events are committed, and not published until it answers")
        self._silent = why

    def _do_due(self) -> None:
        for work, due in self._due.items():
            if time.monotonic() >= due and not self._closing:
                work()

    def _publish(self, group: pa.Table | None) -> None:
        if group is None:
            self._history.ping()
            return
        events = [event for event in published(group) if self._may_tell(event)]
        if events:
            self._history.publish(events)
        self._drop(group)

    def _give_up(self, group: pa.Table | None) -> None:
        """Leave the first that wait out, if they wait still."""
        if group is not None and self._queue and self._queue[0].slice(0, GROUP_EVENTS).equals(group):
            self.left_out += len(group)
            self._tell_left_out()
            self._drop(group)

    def _drop(self, group: pa.Table) -> None:
        """Take the first that wait out of the queue."""
        with self._wake:
            first = self._queue.popleft()
            if len(first) > len(group):
                self._queue.appendleft(first.slice(len(group)))
            self._waiting -= len(group)

    def _may_tell(self, event: Published) -> bool:
        """Whether it is young enough, and of somebody of whom something may be told."""
        oldest = datetime.now(UTC) - timedelta(days=self._store.settings.redis_history_days)
        if event.timestamp < oldest:
            return False
        return standing_of(self._store, event.tenant_id).may_use(event.user_id, "analytics")

    def _expire(self) -> None:
        self._due[self._expire] = time.monotonic() + EXPIRE_SECONDS
        if not self._store.may_write():
            return
        usual = self._store.settings.event_expiry_days
        self._history.expire(
            datetime.now(UTC), lambda tenant: tenants_of(self._store).settings(tenant).event_days or usual
        )

    def _sweep(self) -> None:
        """Take those out of Redis of whom nothing may be told any more, wherever anybody has decided anything."""
        self._due[self._sweep] = time.monotonic() + SWEEP_SECONDS
        for tenant in self._history.tenants():
            standing = standing_of(self._store, tenant)
            if self._swept.get(tenant) is standing:
                continue
            removed = self._history.forget(tenant, partial(_is_barred, standing))
            self._swept[tenant] = standing
            if removed:
                log.info("redis_events_removed", tenant=tenant, entries=removed)


def _is_barred(standing: Standing, text: bytes) -> bool:
    entry = read(text)
    return entry is not None and not standing.may_use(entry.user_id, "analytics")


def publisher_of(store: Store) -> Publisher | None:
    """The publisher of a store's settings, started; None: there is no Redis, or none is wanted."""
    settings = store.settings
    if not settings.redis or not settings.redis_events:
        return None
    history = History(
        settings.redis,
        theirs=settings.redis_tenant,
        days=settings.redis_history_days,
        most=settings.redis_history_events,
    )
    return Publisher(store, history, most=settings.redis_queue_events)
