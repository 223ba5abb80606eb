"""Waiting: what waits for its commit, and the lane of those that hold old events."""

import asyncio
import contextlib
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from rollbook.errors import NotJson, RollbookError
from rollbook.ingest.batch import Batch, Receipt
from rollbook.ingest.columns import rows_of, stamped
from rollbook.ingest.reasons import NOT_THEIRS, Rejected
from rollbook.store.dead_letters import DeadLetter
from rollbook.store.privacy.message_texts import MessageText
from rollbook.store.records.learners import Told

# an insert writes a part for each month and syncs it to disk: 10 to 20 ms each, in which all others wait
MOST_MONTHS = 6

Answer = asyncio.Future["Waiting"] | Future["Waiting"]


@dataclass(slots=True, eq=False)
class Waiting:
    """What waits for its commit: a prepared batch, or rows of a bulk load, and what was refused of them.

    `tenant` and `dialect` are those of refused events. Then `receipt` or `error` is set. `refusal`: the whole body was
    refused, and is only to be kept as a dead letter. `words`: what was said in messages; `barred`: how many events of a
    bulk load were withheld, by tenant.
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
    words: Sequence[MessageText] = ()
    barred: Mapping[str, int] = field(default_factory=dict)

    def events(self) -> int:
        """How many events it holds."""
        if self.rows is not None:
            return len(self.rows)
        return len(self.batch.events) if self.batch else 0

    def bytes(self) -> int:
        """How much memory it holds, roughly."""
        return self.batch.size() if self.batch else 0

    def is_old(self, now: datetime) -> bool:
        """Whether any event lies before the previous month."""
        first = datetime(now.year - (now.month == 1), (now.month - 2) % 12 + 1, 1, tzinfo=UTC)
        if self.rows is not None:
            return len(self.rows) > 0 and pc.min(self.rows["timestamp"]).as_py().replace(tzinfo=UTC) < first
        return self.batch is not None and self.batch.oldest is not None and self.batch.oldest < first

    def settle(self, new: int) -> None:
        """Fill in the receipt: so many of its events are new, the others are duplicates."""
        rejected = sorted(self.rejected, key=lambda one: one.index)
        ids = self.batch.ids() if self.batch else []
        self.receipt = Receipt(new, self.events() - new, rejected, ids, sum(self.barred.values()))

    def dead_letters(self) -> list[DeadLetter]:
        """Its refused events."""
        return [_letter_of(one, self) for one in self.rejected if one.kept] if self.letters else []

    def texts(self) -> Sequence[MessageText]:
        """What was said in its messages, and may be kept."""
        return self.batch.texts if self.batch else self.words

    def told(self) -> Sequence[Told]:
        """What its `identify` events tell of learners."""
        return self.batch.told if self.batch else ()

    def noted(self) -> Counter[tuple[str, str, str]]:
        """How many events are `invalid` or `unenriched`, and how many are kept in no form; by tenant, dialect, outcome.

        Of those `withheld` are left out for their people's sake, `rejected` are such as their sender may not send.
        """
        found = Counter(
            (one.tenant or self.tenant, self.dialect, "rejected" if one.reason in NOT_THEIRS else "withheld")
            for one in self.rejected
            if not one.kept
        )
        notes = self.batch.notes if self.batch else Counter[tuple[str, str]]()
        found.update({(tenant, self.dialect, outcome): count for (tenant, outcome), count in notes.items()})
        return found + Counter({(tenant, self.dialect, "withheld"): count for tenant, count in self.barred.items()})


@dataclass(slots=True, eq=False)
class Slice:
    """Some months of a request; `last`: it has no others left."""

    request: "_Old"
    rows: pa.Table
    last: bool
    committed: bool = False

    def commit(self, new: int) -> None:
        """Note that it is committed, so many of its events being new."""
        self.committed = True
        self.request.new += new
        if self.last:
            self.request.waiting.settle(self.request.new)


@dataclass(slots=True, eq=False)
class _Old:
    """A request with old events: its rows, the month of each, and the months that are not committed yet."""

    waiting: Waiting
    rows: pa.Table
    months: np.ndarray
    left: list[int]
    new: int = 0

    def slice(self, months: list[int]) -> Slice | None:
        """Its events of these months, if there are any."""
        wanted = [month for month in months if month in self.left]
        if not wanted:
            return None
        self.left = [month for month in self.left if month not in wanted]
        rows = self.rows.filter(pa.array(np.isin(self.months, wanted)))
        return Slice(self, rows, last=not self.left)


class Lane:
    """Requests with old events, committed a few months at a time between the groups of all others.

    A request's months are committed in their order, the first request's first, and with them what the others hold of
    the same months.
    """

    def __init__(self, most_events: int) -> None:
        self._most_events = most_events
        self._requests: deque[_Old] = deque()

    def __len__(self) -> int:
        return len(self._requests)

    def add(self, waiting: Waiting) -> None:
        """Take a request."""
        if waiting.rows is not None:
            rows = stamped(waiting.rows, waiting.dialect, datetime.now(UTC))
        else:
            assert waiting.batch is not None
            rows = rows_of([waiting.batch], waiting.batch.received)
        months = rows["timestamp"].to_numpy().astype("datetime64[M]").astype(np.int64)
        self._requests.append(_Old(waiting, rows, months, np.unique(months).tolist()))

    def next(self) -> list[Slice]:
        """What is to be committed together; its requests leave the lane with their last slice."""
        months = self._requests[0].left[:MOST_MONTHS]
        found: list[Slice] = []
        for request in list(self._requests):
            if found and (request.waiting.rows is not None or sum(len(s.rows) for s in found) >= self._most_events):
                # a bulk load goes alone, and a group has its size
                continue
            if (part := request.slice(months)) is not None:
                found.append(part)
            if not request.left:
                self._requests.remove(request)
            if request.waiting.rows is not None:
                break
        return found

    def leave(self, waiting: Waiting) -> None:
        """Give a request up."""
        self._requests = deque(request for request in self._requests if request.waiting is not waiting)


def sent_by(shares: Sequence[tuple[Waiting, int]]) -> Counter[tuple[str, str, str]]:
    """Accepted events by tenant, dialect and credential, of requests that showed one.

    Learners' own tokens count as one credential: their events say whose they are.
    """
    found: Counter[tuple[str, str, str]] = Counter()
    for waiting, new in shares:
        sender = waiting.batch.sender if waiting.batch else None
        if sender is not None and sender.tenant is not None and new:
            credential = sender.credential if sender.user is None else sender.credential.partition(":")[0]
            found[sender.tenant, waiting.dialect, credential] += new
    return found


def acknowledge(group: Sequence[Waiting]) -> None:
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


def _letter_of(refused: Rejected, waiting: Waiting) -> DeadLetter:
    return DeadLetter(
        tenant=refused.tenant or waiting.tenant,
        dialect=waiting.dialect,
        stage=refused.stage,
        reason=refused.reason,
        detail=refused.detail,
        position=refused.index,
        body=refused.original,
    )
