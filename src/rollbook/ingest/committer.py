"""The committer: one thread that takes everything that waits, counts it once, inserts it as one group and acknowledges.

All requests that arrive while one insert runs go into the next. A group that fails is tried again request by request,
so that one client cannot fail another; what a failed insert may have left behind is looked up before the next.
"""

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import structlog

from rollbook.errors import RollbookError, Unavailable
from rollbook.ingest.batch import Batch, Receipt
from rollbook.ingest.columns import days_of, keys_of, rows_of, stamped
from rollbook.ingest.dedup import Seen
from rollbook.ingest.reasons import Rejected
from rollbook.ingest.tally import Tally
from rollbook.store import Store, dead_letters, events
from rollbook.store.dead_letters import DeadLetter
from rollbook.store.keys import key_of

log = structlog.get_logger()

Answer = asyncio.Future["Waiting"] | Future["Waiting"]


@dataclass(slots=True, eq=False)
class Waiting:
    """A prepared batch, or rows of a bulk load, that waits for its commit; then `receipt` or `error` is set."""

    answer: Answer
    batch: Batch | None = None
    rows: pa.Table | None = None
    dialect: str = ""
    letters: bool = True
    receipt: Receipt | None = None
    error: RollbookError | None = None
    fresh: list[bool] = field(default_factory=list)

    def size(self) -> int:
        """How many events it holds."""
        return len(self.batch.events) if self.batch else len(self.rows)  # type: ignore[arg-type]


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
        self._doubtful: dict[tuple[str, str], datetime] = {}
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
            if full and waiting.batch is not None:
                raise Unavailable("too many events are waiting for a commit (ROLLBOOK_QUEUE_EVENTS); send it again")
            self._queue.append(waiting)
            self._queued_events += waiting.size()
            self._queued_bytes += waiting.batch.size() if waiting.batch else 0
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
            alone = self._queue[0].batch is None
            if alone and held:
                return
            waiting = self._queue.popleft()
            self._queued_events -= waiting.size()
            self._queued_bytes -= waiting.batch.size() if waiting.batch else 0
            held += max(waiting.size(), 1)
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
        stamp = self._next_stamp()
        self._resolve_doubts()
        batches = [waiting.batch for waiting in group if waiting.batch]
        rows = rows_of(batches, stamp) if batches else stamped(group[0].rows, group[0].dialect, stamp)
        keys = keys_of(rows)
        fresh = self._fresh(keys)
        if fresh is not None:
            rows = rows.filter(pa.array(fresh))
            keys = [key for key, new in zip(keys, fresh, strict=True) if new]
        if keys:
            self._write(rows, stamp)
            self._seen.add(keys, stamp)
            self._tally.committed(rows, stamp)
        self._keep_letters(group, stamp)
        self._fill_receipts(group, fresh, stamp)

    def _write(self, rows: pa.Table, stamp: datetime) -> None:
        try:
            with self._store.rollups.writing(days_of(rows, self._store.zone_of)):
                events.append(self._store.engine, rows)
        except RollbookError:
            # some of it may be visible all the same
            tenants, ids = rows.column("tenant").to_pylist(), rows.column("id").to_pylist()
            self._doubtful.update(dict.fromkeys(zip(tenants, ids, strict=True), stamp))
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
        """Find out what failed inserts left in the table, and remember it as committed."""
        if not self._doubtful:
            return
        since = min(self._doubtful.values())
        found = events.stored_keys(self._store.engine, list(self._doubtful), since)
        if found:
            self._seen.add([key_of(*key) for key in found], max(self._doubtful.values()))
        log.info("doubts_resolved", events=len(self._doubtful), stored=len(found))
        self._doubtful.clear()

    def _keep_letters(self, group: list[Waiting], stamp: datetime) -> None:
        letters = [
            letter for waiting in group if waiting.batch and waiting.letters for letter in _letters(waiting.batch)
        ]
        if letters:
            dead_letters.add(self._store.engine, letters, stamp, self._store.settings.max_dead_letter_bytes)

    def _fill_receipts(self, group: list[Waiting], fresh: list[bool] | None, stamp: datetime) -> None:
        start = 0
        for waiting in group:
            total = waiting.size()
            new = total if fresh is None else sum(fresh[start : start + total])
            start += total
            batch = waiting.batch
            rejected = sorted(batch.rejected, key=lambda r: r.index) if batch else []
            ids = [event.id or "" for event in batch.events] if batch else []
            waiting.receipt = Receipt(new, total - new, rejected, ids)
            tenant = batch.tenant if batch else "default"
            name = batch.dialect.name if batch else waiting.dialect
            self._tally.refused(tenant, name, "duplicate", total - new, stamp)
            if waiting.letters:
                self._tally.refused(tenant, name, "rejected", len(rejected), stamp)

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


def _letters(batch: Batch) -> Iterator[DeadLetter]:
    for refused in batch.rejected:
        yield letter_of(refused, batch.tenant, batch.dialect.name)


def letter_of(refused: Rejected, tenant: str, dialect: str) -> DeadLetter:
    """A refused event as a dead letter."""
    return DeadLetter(
        tenant=tenant,
        dialect=dialect,
        stage=refused.stage,
        reason=refused.reason,
        detail=refused.detail,
        position=refused.index,
        body=refused.original,
    )
