"""The committer: one thread that takes everything that waits, counts it once, inserts it as one group and acknowledges.

All requests that arrive while one insert runs go into the next; those with old events go a few months at a time between
the groups. What fails is tried again request by request, so that one client cannot fail another; what a failed insert
may have left behind is looked up before the next.
"""

import itertools
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial

import pyarrow as pa
import structlog

from rollbook.errors import RollbookError, Unavailable
from rollbook.governance.letters import sealer
from rollbook.governance.sealing import Sealing
from rollbook.ingest.checking import outcomes
from rollbook.ingest.columns import days_of, keys_of, restamped, rows_of, stamped
from rollbook.ingest.once.seen import Seen
from rollbook.ingest.tally import Counted, Tally, counted
from rollbook.ingest.waiting import Lane, Slice, Waiting, acknowledge, sent_by
from rollbook.store import Store, dead_letters, events
from rollbook.store.keys import key_of
from rollbook.store.privacy import message_texts

log = structlog.get_logger()


# what the live side wants to know of events
KEPT_IN_DOUBT = ("type", "user", "course")

# of the last commit's duration: how long to wait for those who were just answered
LINGERING = 0.5


class Committer:
    """The only one who writes events. `put` raises Unavailable when too much waits already."""

    def __init__(self, store: Store, seen: Seen, tally: Tally, sealing: Sealing) -> None:
        self._store = store
        self._sealing = sealing
        self._seen = seen
        self._tally = tally
        self._wake = threading.Condition()
        self._queue: deque[Waiting] = deque()
        self._lane = Lane(store.settings.group_events)
        self._queued_events = 0
        self._queued_bytes = 0
        self._closing = False
        self._expected = 0
        self._last_seconds = 0.0
        self._doubtful: list[pa.Table] = []
        self._stamp = events.last_received(store.engine) or datetime(2000, 1, 1, tzinfo=UTC)
        store.changes.reached(self._stamp)
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

    def load(self) -> float:
        """The share of the queue that is taken, 0 to 1."""
        return min(1.0, self._queued_events / self._store.settings.queue_events)

    def has_old(self) -> bool:
        """Whether old events wait in their lane."""
        return bool(self._lane)

    def close(self) -> None:
        """Commit what waits, then stop."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        self._thread.join()

    def _run(self) -> None:
        while (group := self._next()) or self._lane:
            now = datetime.now(UTC)
            current = [waiting for waiting in group if not waiting.is_old(now)]
            if current:
                self._commit_group(current)
            if len(current) < len(group):
                self._set_aside([waiting for waiting in group if waiting not in current])
            if self._lane:
                self._commit_slices(self._lane.next())

    def _set_aside(self, group: list[Waiting]) -> None:
        for waiting in group:
            waiting.error = self._try(partial(self._lane.add, waiting), writes=False)
        self._answer([waiting for waiting in group if waiting.error])

    def _next(self) -> list[Waiting]:
        """Everything that waits, up to the size of a group; a bulk load goes alone. Empty: closed, or only old ones."""
        with self._wake:
            while not self._queue and not self._closing and not self._lane:
                self._wake.wait()
            self._linger()
            return list(self._take())

    def _linger(self) -> None:
        """Wait a little for the next requests of those who were just answered.

        A commit costs nearly the same however much it holds, so one with all of them costs half of two.
        """
        until = time.monotonic() + self._last_seconds * LINGERING
        while 0 < len(self._queue) < self._expected and not self._closing and not self._lane:
            left = until - time.monotonic()
            if left <= 0 or self._queued_events >= self._store.settings.group_events:
                return
            self._wake.wait(left)

    def _take(self) -> Iterator[Waiting]:
        held = 0
        while self._queue and held < self._store.settings.group_events:
            alone = self._queue[0].rows is not None
            if alone and held:
                return
            waiting = self._queue.popleft()
            held += max(waiting.events(), 1)
            yield waiting
            if alone:
                return

    def _commit_group(self, group: list[Waiting]) -> None:
        began = time.monotonic()
        error = self._try(partial(self._commit, group))
        if error and len(group) > 1:
            log.warning("group_failed", detail=error.detail, requests=len(group), effect="tried request by request")
            for waiting in group:
                waiting.error = self._try(partial(self._commit, [waiting]))
        elif error:
            group[0].error = error
        self._last_seconds = time.monotonic() - began
        self._answer(group)

    def _commit_slices(self, slices: list[Slice]) -> None:
        error = self._try(partial(self._commit_months, slices))
        for part in slices:
            waiting = part.request.waiting
            again = error is not None and len(slices) > 1
            waiting.error = self._try(partial(self._commit_months, [part])) if again else error
            if waiting.error:
                self._lane.leave(waiting)
            if waiting.error or part.last:
                self._answer([waiting])

    def _answer(self, group: list[Waiting]) -> None:
        with self._wake:
            self._expected = len(group) + len(self._queue)
            self._queued_events -= sum(waiting.events() for waiting in group)
            self._queued_bytes -= sum(waiting.bytes() for waiting in group)
        acknowledge(group)

    def _try(self, work: Callable[[], None], *, writes: bool = True) -> RollbookError | None:
        """Commit something; what went wrong, if it did. The thread must outlive every failure."""
        error: RollbookError | None = None
        try:
            work()
        except RollbookError as known:
            error = known
        except Exception as unknown:
            log.exception("commit_failed")
            error = Unavailable(f"the commit failed: {type(unknown).__name__}")
        if writes:
            self._store.note_trouble(error.detail if error else None)
        return error

    def _commit(self, group: list[Waiting]) -> None:
        """Write the events, then the dead letters. What has its receipt is committed, and not written a second time."""
        self._resolve_doubts()
        stamp = self._next_stamp()
        counts: Counted = Counter()
        written = [waiting for waiting in group if waiting.receipt is None]
        try:
            counts += self._write_events(written, stamp)
            counts += self._write_letters(group, stamp)
        finally:
            self._tally.add(counts, stamp, sent_by([(one, one.receipt.ingested) for one in written if one.receipt]))

    def _commit_months(self, slices: list[Slice]) -> None:
        """Write some months of requests, and the dead letters of those that end with them."""
        self._resolve_doubts()
        stamp = self._next_stamp()
        counts: Counted = Counter()
        shares: list[tuple[Waiting, int]] = []
        open_slices = [part for part in slices if not part.committed]
        try:
            if open_slices:
                requests = [part.request.waiting for part in open_slices]
                fresh, counts = self._write_new(restamped([part.rows for part in open_slices], stamp), stamp, requests)
                for part, new in zip(
                    open_slices, _shares(fresh, [len(part.rows) for part in open_slices]), strict=True
                ):
                    part.commit(new)
                    shares.append((part.request.waiting, new))
            counts += self._write_letters([part.request.waiting for part in slices if part.last], stamp)
        finally:
            self._tally.add(counts, stamp, sent_by(shares))

    def _write_events(self, group: list[Waiting], stamp: datetime) -> Counted:
        """Commit the events that are new, and fill in the receipts; the counts of what became of them."""
        fresh, counts = None, Counter[tuple[str, str, str]]()
        if any(waiting.events() for waiting in group):
            batches = [waiting.batch for waiting in group if waiting.batch]
            loads = [stamped(waiting.rows, waiting.dialect, stamp) for waiting in group if waiting.rows is not None]
            fresh, counts = self._write_new(loads[0] if loads else rows_of(batches, stamp), stamp, group)
        for waiting, new in zip(group, _shares(fresh, [waiting.events() for waiting in group]), strict=True):
            waiting.settle(new)
        return counts

    def _write_new(
        self, rows: pa.Table, stamp: datetime, group: Sequence[Waiting]
    ) -> tuple[list[bool] | None, Counted]:
        """Commit the rows of a group that are new, and before them what they say: which (None: all), and the counts."""
        keys = keys_of(rows)
        fresh = self._fresh(keys)
        counts: Counted = Counter()
        again = rows.slice(0, 0)
        if fresh is not None:
            again = rows.filter(pa.array([not new for new in fresh]))
            counts += counted(again, "duplicate")
            rows = rows.filter(pa.array(fresh))
            keys = [key for key, new in zip(keys, fresh, strict=True) if new]
        if keys:
            self._write_said(rows, stamp, group)
            self._write(rows, marked=any(waiting.batch is None or waiting.batch.notes for waiting in group))
            self._seen.add(keys, stamp)
            counts += self._tally.accepted(rows)
        if len(again):
            self._tally.not_taken.add(outcomes.duplicates(again), stamp)
        return fresh, counts

    def _write_said(self, rows: pa.Table, stamp: datetime, group: Sequence[Waiting]) -> None:
        """Keep what new rows say in messages, and tell of learners. Doing it twice changes nothing more."""
        words = [text for waiting in group for text in waiting.texts()]
        told = [one for waiting in group for one in waiting.told()]
        if not words and not told:
            return
        new = set(zip(rows["tenant"].to_pylist(), rows["id"].to_pylist(), strict=True))
        message_texts.add(self._store.engine, [text for text in words if (text.tenant, text.id) in new], stamp)
        if fresh := [one for one in told if (one.tenant, one.id) in new]:
            self._store.records.traits.tell(fresh)

    def _write(self, rows: pa.Table, *, marked: bool) -> None:
        days = days_of(rows, self._store.zone_of)
        if self._store.lease is not None:
            self._store.lease.check()
        try:
            with self._store.rollups.writing(days):
                events.append(self._store.engine, rows, marked=marked, tenants={tenant for tenant, _ in days})
        except BaseException:
            # some of it may be visible all the same
            self._doubtful.append(rows.select(["tenant", "id", "dialect", "timestamp", "received", *KEPT_IN_DOUBT]))
            raise
        self._store.changes.committed(rows)

    def _fresh(self, keys: list[bytes]) -> list[bool] | None:
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
        if self._doubtful and events.inserting(self._store.engine):
            raise Unavailable("an insert that was given up still runs on the server; send it again")
        while self._doubtful:
            rows = self._doubtful[0]
            stamp = rows.column("received")[0].as_py().replace(tzinfo=UTC)
            keys = list(zip(rows.column("tenant").to_pylist(), rows.column("id").to_pylist(), strict=True))
            stored = events.stored_keys(self._store.engine, keys, stamp)
            if stored:
                self._seen.add([key_of(*key) for key in stored], stamp)
                rows = rows.filter(pa.array([key in stored for key in keys]))
                self._tally.add(self._tally.accepted(rows), stamp)
                # on a server they may have come in long after the insert was given up
                self._store.changes.wrote("events", rows)
                self._store.changes.committed(rows)
            log.info("doubts_resolved", events=len(keys), stored=len(stored))
            self._doubtful.pop(0)

    def _write_letters(self, group: list[Waiting], stamp: datetime) -> Counted:
        letters = [letter for waiting in group if waiting.rejected for letter in waiting.dead_letters()]
        if letters:
            most = self._store.settings.max_dead_letter_bytes
            dead_letters.add(self._store.engine, letters, stamp, most, seal=sealer(self._sealing))
            for waiting in group:
                if waiting.letters:
                    self._tally.not_taken.add(outcomes.refused(waiting.rejected, waiting.tenant), stamp)
        counts: Counted = Counter((letter.tenant, letter.dialect, "rejected") for letter in letters)
        return sum((waiting.noted() for waiting in group), counts)

    def _next_stamp(self) -> datetime:
        """The time of receipt of a group: later than that of every group before, whatever the clock does."""
        now = datetime.now(UTC)
        now = now.replace(microsecond=now.microsecond // 1000 * 1000)
        self._stamp = max(now, self._stamp + timedelta(milliseconds=1))
        return self._stamp


def _shares(fresh: list[bool] | None, sizes: list[int]) -> list[int]:
    """How many of the rows are new in each of the parts that they come from."""
    if fresh is None:
        return sizes
    ends = list(itertools.accumulate(sizes, initial=0))
    return [sum(fresh[begin:end]) for begin, end in itertools.pairwise(ends)]
