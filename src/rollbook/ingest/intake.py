"""Intake: the way in as the rest of Rollbook sees it. When it answers, everything it says is on disk."""

import asyncio
import threading
import time
from collections.abc import Iterable
from concurrent.futures import Future
from datetime import UTC, datetime

import pyarrow as pa
import structlog

from rollbook.errors import NotFound, NotJson, RollbookError
from rollbook.ingest.batch import Batch, Receipt
from rollbook.ingest.committer import Committer, Waiting, letter_of
from rollbook.ingest.dedup import Seen
from rollbook.ingest.dialects import DIALECTS
from rollbook.ingest.pipeline import prepare
from rollbook.ingest.reasons import Rejected
from rollbook.ingest.tally import Tally
from rollbook.store import Store, dead_letters

log = structlog.get_logger()

SETTLED_AT_KEYS = 200_000
MOST_UNSETTLED_KEYS = 400_000
SETTLED_AFTER_SECONDS = 5


class Intake:
    """Takes events in any dialect, from the event loop (`take`), a thread (`take_now`) or in bulk (`load`)."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.seen = Seen(store)
        self.tally = Tally(store)
        self._committer = Committer(store, self.seen, self.tally)
        self._tending = threading.Lock()
        self._settled = time.monotonic()

    async def take(self, body: bytes, dialect: str, tenant: str | None = None, key: str | None = None) -> Receipt:
        """Take a body in. Raises NotJson, TooLarge or Unavailable; single bad events are in the receipt."""
        batch = self._prepare(body, dialect, tenant, key)
        answer: asyncio.Future[Waiting] = asyncio.get_running_loop().create_future()
        self._committer.put(Waiting(answer, batch))
        return _receipt(await answer)

    def take_now(
        self, body: bytes, dialect: str, tenant: str | None = None, key: str | None = None, *, letters: bool = True
    ) -> Receipt:
        """The blocking twin of `take`. `letters=False`: refused events are not kept (again) as dead letters."""
        batch = self._prepare(body, dialect, tenant, key, letters=letters)
        return self._wait(Waiting(Future(), batch, letters=letters))

    def load(self, rows: pa.Table, dialect: str) -> Receipt:
        """Take rows in bulk: columns of the events table but `received` and `dialect`. Checks are the caller's."""
        if self.seen.pending() > MOST_UNSETTLED_KEYS:
            self.tend()
        return self._wait(Waiting(Future(), rows=rows, dialect=dialect))

    def refuse(self, refused: Iterable[Rejected], tenant: str, dialect: str) -> list[str]:
        """Keep what a caller of `load` found wrong as dead letters; their ids."""
        letters = [letter_of(one, tenant, dialect) for one in refused]
        now = datetime.now(UTC)
        ids = dead_letters.add(self.store.engine, letters, now, self.store.settings.max_dead_letter_bytes)
        self.tally.refused(tenant, dialect, "rejected", len(letters), now)
        return ids

    def tend(self, *, now: bool = False) -> None:
        """What is done beside the commits: counts to their table, and keys to theirs, in large steps."""
        with self._tending:
            self.tally.flush()
            waited = time.monotonic() - self._settled
            if self.seen.pending() >= SETTLED_AT_KEYS or waited >= SETTLED_AFTER_SECONDS or now:
                self.seen.settle()
                self._settled = time.monotonic()

    def close(self) -> None:
        """Commit what waits, write down what is only in memory, and stop."""
        self._committer.close()
        try:
            self.tend(now=True)
            self.seen.save()
        except RollbookError as error:
            log.warning("not_all_written_down", detail=error.detail, effect="the next start catches up from the events")

    def _prepare(
        self, body: bytes, dialect: str, tenant: str | None, key: str | None, *, letters: bool = True
    ) -> Batch:
        if dialect not in DIALECTS:
            raise NotFound(f"no dialect {dialect!r}; there are: {', '.join(DIALECTS)}")
        settings = self.store.settings
        most = settings.ingest_batch_size if dialect == "ingest" else settings.max_batch_size
        received = datetime.now(UTC)
        batch = Batch(body, DIALECTS[dialect], received, tenant or "default", key or None)
        try:
            return prepare(batch, settings, most)
        except NotJson as error:
            if letters:
                self._keep_body(batch, error)
            raise

    def _keep_body(self, batch: Batch, error: NotJson) -> None:
        """A body that cannot be read is a dead letter as a whole."""
        reason = "not_utf8" if not _is_text(batch.body) else "not_json"
        whole = Rejected(0, reason, error.detail, batch.body, "read")
        try:
            self.refuse([whole], batch.tenant, batch.dialect.name)
        except RollbookError as failed:
            log.warning("dead_letter_lost", detail=failed.detail)

    def _wait(self, waiting: Waiting) -> Receipt:
        assert isinstance(waiting.answer, Future)
        self._committer.put(waiting)
        return _receipt(waiting.answer.result())


def _receipt(waiting: Waiting) -> Receipt:
    if waiting.error is not None:
        raise waiting.error
    assert waiting.receipt is not None
    return waiting.receipt


def _is_text(body: bytes) -> bool:
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
