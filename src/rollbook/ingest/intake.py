"""Intake: the way in as the rest of Rollbook sees it. When it answers, everything it says is on disk."""

import asyncio
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import UTC, datetime

import pyarrow as pa
import structlog

from rollbook.errors import NotFound, NotJson, RollbookError, Unavailable
from rollbook.governance.audit import Trail
from rollbook.governance.definitions import definitions_of
from rollbook.governance.lifecycle.room import Room
from rollbook.governance.pseudonyms import pseudonyms_of
from rollbook.ingest import loose
from rollbook.ingest.batch import Batch, Receipt, Sender
from rollbook.ingest.checking.rows import marked
from rollbook.ingest.committer import Committer
from rollbook.ingest.dialects import DIALECTS, Dialect
from rollbook.ingest.enriching.enriching import Enriching
from rollbook.ingest.minimising.rows import disguised
from rollbook.ingest.once.seen import Seen
from rollbook.ingest.permitting.rows import permitted
from rollbook.ingest.permitting.steps import standings_of
from rollbook.ingest.pipeline import prepare
from rollbook.ingest.reasons import Rejected
from rollbook.ingest.tally import Tally
from rollbook.ingest.waiting import Answer, Waiting
from rollbook.store import Store

log = structlog.get_logger()

SETTLED_AT_KEYS = 200_000
MOST_UNSETTLED_KEYS = 400_000
SETTLED_AFTER_SECONDS = 5
# what is being prepared takes no longer until it waits for its commit
GRACE_SECONDS = 2.0


@dataclass(slots=True)
class _Way:
    """What a process has that may write."""

    seen: Seen
    committer: Committer

    def leave(self) -> None:
        """Give it up: another process writes now, and knows more. What waits is refused, to be sent again."""
        self.committer.close()
        self.seen.leave()


class Intake:
    """Takes events in any dialect, from the event loop (`take`), a thread (`take_now`) or in bulk (`load`)."""

    def __init__(self, store: Store, trail: Trail | None = None) -> None:
        """`trail`: where a line is written of every group that is committed; None: nowhere."""
        self.store = store
        self.trail = trail
        self.tally = Tally(store, trail)
        self.room = Room(store)
        self.pseudonyms = pseudonyms_of(store)
        self._standing = standings_of(store)
        self._definitions = definitions_of(store)
        self._enriching = Enriching(store, self._load)
        self._changing = threading.Lock()
        self._tending = threading.Lock()
        self._settled = time.monotonic()
        self._way: _Way | None = None
        if store.may_write():
            self._open()
        else:
            self._note_reader()

    @property
    def seen(self) -> Seen:
        """What was committed before. Raises Unavailable where another process writes."""
        return self._open_way().seen

    def renew(self) -> bool:
        """Keep the right to write to a server, take it over from a process that has ended, or give it up.

        Whether this process writes.
        """
        lease = self.store.lease
        if lease is None:
            return True
        with self._changing:
            held = lease.renew()
            if held and self._way is None:
                self.store.begin_writing()
                self._open()
                self.store.note_trouble(None)
                log.info("writing", effect="events are taken")
            elif not held and self._way is not None:
                self._way.leave()
                self._way = None
                self.store.rollups.end()
            if not held:
                self._note_reader()
            return held

    async def take(
        self,
        body: bytes,
        dialect: str,
        tenant: str | None = None,
        key: str | None = None,
        *,
        lines: bool = False,
        sender: Sender | None = None,
    ) -> Receipt:
        """Take a body in. Raises NotJson, TooLarge or Unavailable; single bad events are in the receipt.

        `key`: the Idempotency-Key, of which events without an id get theirs. `lines`: the body is NDJSON.
        `sender`: who sends it, and so what may be in it; None: anything.
        """
        answer: asyncio.Future[Waiting] = asyncio.get_running_loop().create_future()
        batch = Batch(body, _dialect(dialect), _now(), tenant or "default", key, lines=lines, sender=sender)
        self._put(self._prepared(answer, batch))
        return _receipt(await answer)

    def take_now(
        self, body: bytes, dialect: str, tenant: str | None = None, key: str | None = None, *, letters: bool = True
    ) -> Receipt:
        """The blocking twin of `take`. `letters=False`: refused events are not kept (again) as dead letters."""
        return self.take_later(body, dialect, tenant, key, letters=letters)()

    def take_later(
        self,
        body: bytes,
        dialect: str,
        tenant: str | None = None,
        key: str | None = None,
        *,
        letters: bool = True,
        sender: Sender | None = None,
    ) -> Callable[[], Receipt]:
        """As `take_now`, but what is returned waits for the commit: many bodies can be under way at once."""
        answer: Future[Waiting] = Future()
        batch = Batch(body, _dialect(dialect), _now(), tenant or "default", key, sender=sender)
        self._put(self._prepared(answer, batch, letters=letters))
        return lambda: _receipt(answer.result())

    def load(self, rows: pa.Table, dialect: str) -> Receipt:
        """Take rows in bulk: columns of the events table but `received` and `dialect`. Checks are the caller's.

        What people have not permitted is left out here, too; what breaks its definition is marked.
        """
        if self.seen.pending() > MOST_UNSETTLED_KEYS:
            self.tend()
        stored = self.as_stored(marked(rows, self._definitions))
        found = permitted(stored, self._standing, sentiment=self.store.settings.sentiment)
        waiting = Waiting(Future(), rows=found.rows, dialect=dialect, words=found.texts, barred=found.withheld)
        return self._wait(waiting)

    def as_stored(self, rows: pa.Table) -> pa.Table:
        """Rows for `load` as they are stored: user ids replaced where their tenant has pseudonyms."""
        return disguised(rows, self.pseudonyms)

    def refuse(self, refused: Sequence[Rejected], tenant: str, dialect: str) -> None:
        """Keep what a caller of `load` found wrong as dead letters."""
        self._wait(Waiting(Future(), rejected=refused, tenant=tenant, dialect=dialect))

    def drain(self, *, grace_seconds: float = GRACE_SECONDS, most_seconds: float = 600) -> None:
        """Wait until all that is on its way in now is committed, or refused. Raises Unavailable if that takes long."""
        time.sleep(grace_seconds)
        self.refuse((), "default", "")
        deadline = time.monotonic() + most_seconds
        while self._open_way().committer.has_old():
            if time.monotonic() > deadline:
                raise Unavailable("old events have been on their way in for too long; try again when they are in")
            time.sleep(0.05)

    def tend(self, *, now: bool = False) -> None:
        """What is done beside the commits: counts to their table, and keys to theirs, in large steps."""
        way = self._way
        if way is None or not self.store.may_write():
            return
        with self._tending:
            self.tally.flush()
            waited = time.monotonic() - self._settled
            if way.seen.pending() >= SETTLED_AT_KEYS or waited >= SETTLED_AFTER_SECONDS or now:
                way.seen.settle()
                self._settled = time.monotonic()

    def expire(self) -> None:
        """Forget the ids that have left the window."""
        if self._way is not None and self.store.may_write():
            self._way.seen.expire()

    def close(self) -> None:
        """Commit what waits, write down what is only in memory, and stop."""
        way = self._way
        if way is None:
            return
        way.committer.close()
        try:
            self.tend(now=True)
            way.seen.close()
        except RollbookError as error:
            log.warning("not_all_written_down", detail=error.detail, effect="the next start catches up from the events")

    def _open(self) -> None:
        if self.trail is not None:
            # before anything is committed: what came later would hide what is missing
            self.trail.recover()
        seen = Seen(self.store)
        self._way = _Way(seen, Committer(self.store, seen, self.tally, self.pseudonyms.sealing))

    def _open_way(self) -> "_Way":
        if self._way is None:
            lease = self.store.lease
            raise Unavailable(lease.refusal() if lease else "this process takes no events", retry_after_seconds=5)
        return self._way

    def _load(self) -> float:
        return self._way.committer.load() if self._way is not None else 0.0

    def _note_reader(self) -> None:
        if self.store.lease is not None:
            self.store.note_trouble(self.store.lease.refusal())

    def _prepared(self, answer: Answer, batch: Batch, *, letters: bool = True) -> Waiting:
        """The batch, ready to be committed; a body that cannot be read is a dead letter as a whole. Raises TooLarge."""
        settings = self.store.settings
        batch.most = settings.ingest_batch_size if batch.dialect.name == "ingest" else settings.max_batch_size
        batch.pseudonyms, batch.standing = self.pseudonyms, self._standing
        batch.definitions, batch.enriching = self._definitions, self._enriching
        waiting = Waiting(answer, tenant=batch.tenant, dialect=batch.dialect.name, letters=letters)
        try:
            waiting.batch = prepare(batch, settings)
            waiting.rejected = batch.rejected
        except NotJson as error:
            reason = "not_json" if loose.is_utf8(batch.body) else "not_utf8"
            waiting.refusal = error
            waiting.rejected = [Rejected(0, reason, error.detail, batch.body, "read")]
        return waiting

    def _put(self, waiting: Waiting) -> None:
        try:
            self.room.check()
            self._open_way().committer.put(waiting)
        except Unavailable as error:
            waiting.error = error
            _receipt(waiting)

    def _wait(self, waiting: Waiting) -> Receipt:
        assert isinstance(waiting.answer, Future)
        self._put(waiting)
        return _receipt(waiting.answer.result())


def _now() -> datetime:
    return datetime.now(UTC)


def _dialect(name: str) -> Dialect:
    if name not in DIALECTS:
        raise NotFound(f"no dialect {name!r}; there are: {', '.join(DIALECTS)}")
    return DIALECTS[name]


def _receipt(waiting: Waiting) -> Receipt:
    if waiting.refusal is not None:
        if waiting.error is not None:
            log.warning("dead_letter_lost", detail=waiting.error.detail)
        raise waiting.refusal
    if waiting.error is not None:
        raise waiting.error
    assert waiting.receipt is not None
    return waiting.receipt
