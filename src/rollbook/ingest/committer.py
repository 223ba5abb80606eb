"""The committer: one thread that takes everything that waits, counts it once, inserts it as one group and acknowledges.

All requests that arrive while one insert runs go into the next. A group that fails is tried again request by request,
so that one client cannot fail another; what a failed insert may have left behind is looked up before the next.
"""

import asyncio
import contextlib
import threading
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import structlog

from rollbook.errors import NotJson, RollbookError, Unavailable
from rollbook.ingest.batch import Batch, Receipt
from rollbook.ingest.columns import days_of, keys_of, rows_of, stamped
from rollbook.ingest.dedup import Seen
from rollbook.ingest.reasons import Rejected
from rollbook.ingest.tally import Counted, Tally, counted
from rollbook.store import Store, dead_letters, events
from rollbook.store.dead_letters import DeadLetter
from rollbook.store.keys import key_of

log = structlog.get_logger()

Answer = asyncio.Future["Waiting"] | Future["Waiting"]


@dataclass(slots=True, eq=False)
class Waiting:
    """What waits for its commit: a prepared batch, or rows of a bulk load, and what was refused of them.

    `tenant` and `dialect` are those of refused events. Then `receipt` or `error` is set. `refusal`: the whole body was
    refused, and is only to be kept as a dead letter.
    """

    answer: Answer
    batch: Batch | None = None
    rows: pa.Table | None = None
    rejected: Sequence[Rejected] = ()
    tenant: str = "default"
    dialect: str = ""
    letters: bool = True
    refusal: NotJson | None = None
    receipt: Receipt | None = None
    error: RollbookError | None = None

    def events(self) -> int:
        """How many events it holds."""
        if self.rows is not None:
            return len(self.rows)
        return len(self.batch.events) if self.batch else 0

    def bytes(self) -> int:
        """How much memory it holds, roughly."""
        return self.batch.size() if self.batch else 0


class Committer:
    """The only one who writes events. `put` raises Unavailable when too much waits already."""

    def __init__(self, store: Store, seen: Seen, tally: Tally) -> None:
        self._store = store
        self._seen = seen
        self._tally = tally
        self._wake = threading.Condition()
        self._queue: deque[Waiting] = deque()
        self._queued_events = 0
        self._queued_bytes = 0
        self._closing = False
        self._doubtful: list[pa.Table] = []
        self._stamp = events.last_received(store.engine) or datetime(2000, 1, 1, tzinfo=UTC)
        self._thread = threading.Thread(target=self._run, name="committer", daemon=True)
        self._thread.start()

    def put(self, waiting: Waiting) -> None:
        """Queue it. Its `answer` is set when it is committed or has failed."""
        limits = self._store.settings
        with self._wake:
            if self._closing:
                raise Unavailable("Rollbook is stopping; send it again in a moment", retry_after_seconds=2)
            full = self._queued_events >= limits.queue_events or self._queued_bytes >= limits.queue_bytes
            if full and waiting.rows is None:
                raise Unavailable("too many events are waiting for a commit (ROLLBOOK_QUEUE_EVENTS); send it again")
            self._queue.append(waiting)
            self._queued_events += waiting.events()
            self._queued_bytes += waiting.bytes()
            self._wake.notify()

    def close(self) -> None:
        """Commit what waits, then stop."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        self._thread.join()

    def _run(self) -> None:
        while group := self._next():
            try:
                self._commit_all(group)
            finally:
                acknowledge(group)

    def _next(self) -> list[Waiting]:
        """Everything that waits, up to the size of a group; a bulk load goes alone. Empty: closed."""
        with self._wake:
            while not self._queue and not self._closing:
                self._wake.wait()
            return list(self._take())

    def _take(self) -> Iterator[Waiting]:
        held = 0
        while self._queue and held < self._store.settings.group_events:
            alone = self._queue[0].rows is not None
            if alone and held:
                return
            waiting = self._queue.popleft()
            self._queued_events -= waiting.events()
            self._queued_bytes -= waiting.bytes()
            held += max(waiting.events(), 1)
            yield waiting
            if alone:
                return

    def _commit_all(self, group: list[Waiting]) -> None:
        error = self._try(group)
        if error and len(group) > 1:
            log.warning("group_failed", detail=error.detail, requests=len(group), effect="tried request by request")
            for waiting in group:
                waiting.error = self._try([waiting])
        elif error:
            group[0].error = error

    def _try(self, group: list[Waiting]) -> RollbookError | None:
        """Commit a group; what went wrong, if it did. The thread must outlive every failure."""
        try:
            self._commit(group)
        except RollbookError as error:
            return error
        except Exception as error:
            log.exception("commit_failed")
            return Unavailable(f"the commit failed: {type(error).__name__}")
        return None

    def _commit(self, group: list[Waiting]) -> None:
        """Write the events, then the dead letters. What has its receipt is committed, and not written a second time."""
        self._resolve_doubts()
        stamp = self._next_stamp()
        counts: Counted = Counter()
        try:
            counts += self._write_events([waiting for waiting in group if waiting.receipt is None], stamp)
            counts += self._write_letters([waiting for waiting in group if waiting.letters], stamp)
        finally:
            self._tally.add(counts, stamp)

    def _write_events(self, group: list[Waiting], stamp: datetime) -> Counted:
        """Commit the events that are new, and fill in the receipts; the counts of what became of them."""
        if not any(waiting.events() for waiting in group):
            _fill_receipts(group, None)
            return Counter()
        batches = [waiting.batch for waiting in group if waiting.batch]
        loads = [stamped(waiting.rows, waiting.dialect, stamp) for waiting in group if waiting.rows is not None]
        rows = loads[0] if loads else rows_of(batches, stamp)
        keys = keys_of(rows)
        fresh = self._fresh(keys)
        counts: Counted = Counter()
        if fresh is not None:
            counts += counted(rows.filter(pa.array([not new for new in fresh])), "duplicate")
            rows = rows.filter(pa.array(fresh))
            keys = [key for key, new in zip(keys, fresh, strict=True) if new]
        if keys:
            self._write(rows)
            self._seen.add(keys, stamp)
            counts += self._tally.accepted(rows)
        _fill_receipts(group, fresh)
        return counts

    def _write(self, rows: pa.Table) -> None:
        try:
            with self._store.rollups.writing(days_of(rows, self._store.zone_of)):
                events.append(self._store.engine, rows)
        except BaseException:
            # some of it may be visible all the same
            self._doubtful.append(rows.select(["tenant", "id", "dialect", "timestamp", "received"]))
            raise

    def _fresh(self, keys: list[int]) -> list[bool] | None:
        """Which rows are new; None: all."""
        known = self._seen.duplicates(keys)
        if not known and len(set(keys)) == len(keys):
            return None
        fresh = []
        for key in keys:
            fresh.append(key not in known)
            known.add(key)
        return fresh

    def _resolve_doubts(self) -> None:
        """Find out what failed inserts left in the table; remember and count it as committed."""
        for rows in list(self._doubtful):
            stamp = rows.column("received")[0].as_py().replace(tzinfo=UTC)
            keys = list(zip(rows.column("tenant").to_pylist(), rows.column("id").to_pylist(), strict=True))
            stored = events.stored_keys(self._store.engine, keys, stamp)
            if stored:
                self._seen.add([key_of(*key) for key in stored], stamp)
                self._tally.add(self._tally.accepted(rows.filter(pa.array([key in stored for key in keys]))), stamp)
            log.info("doubts_resolved", events=len(keys), stored=len(stored))
            self._doubtful.remove(rows)

    def _write_letters(self, group: list[Waiting], stamp: datetime) -> Counted:
        letters = [letter_of(one, waiting) for waiting in group for one in waiting.rejected]
        if letters:
            dead_letters.add(self._store.engine, letters, stamp, self._store.settings.max_dead_letter_bytes)
        return Counter((letter.tenant, letter.dialect, "rejected") for letter in letters)

    def _next_stamp(self) -> datetime:
        """The time of receipt of a group: later than that of every group before, whatever the clock does."""
        now = datetime.now(UTC)
        now = now.replace(microsecond=now.microsecond // 1000 * 1000)
        self._stamp = max(now, self._stamp + timedelta(milliseconds=1))
        return self._stamp


def acknowledge(group: list[Waiting]) -> None:
    """Set the answers of a group; an event loop is woken once for all of its requests."""
    loops: dict[asyncio.AbstractEventLoop, list[Waiting]] = {}
    for waiting in group:
        if isinstance(waiting.answer, Future):
            waiting.answer.set_result(waiting)
        else:
            loops.setdefault(waiting.answer.get_loop(), []).append(waiting)
    for loop, waited in loops.items():
        # a closed loop: its clients have gone, their events are safe
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(_settle, waited)


def _settle(waited: list[Waiting]) -> None:
    for waiting in waited:
        if not waiting.answer.done():
            waiting.answer.set_result(waiting)


def _fill_receipts(group: list[Waiting], fresh: list[bool] | None) -> None:
    start = 0
    for waiting in group:
        total = waiting.events()
        new = total if fresh is None else sum(fresh[start : start + total])
        start += total
        rejected = sorted(waiting.rejected, key=lambda one: one.index)
        ids = [event.id or "" for event in waiting.batch.events] if waiting.batch else []
        waiting.receipt = Receipt(new, total - new, rejected, ids)


def letter_of(refused: Rejected, waiting: Waiting) -> DeadLetter:
    """A refused event as a dead letter."""
    return DeadLetter(
        tenant=refused.tenant or waiting.tenant,
        dialect=waiting.dialect,
        stage=refused.stage,
        reason=refused.reason,
        detail=refused.detail,
        position=refused.index,
        body=refused.original,
    )
