"""Trail: writes the lines of the audit trail. One thread, and one insert for all lines that wait."""

import asyncio
import dataclasses
import threading
import time
import uuid
from collections import deque
from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any

import structlog

from rollbook.errors import Invalid, RollbookError, Unavailable
from rollbook.governance.audit.chain import EPOCH, Digests, Tail, after, chained
from rollbook.governance.audit.heads import Heads, quietly
from rollbook.governance.audit.identities import Identities
from rollbook.governance.audit.keys import Keys
from rollbook.governance.audit.line import Line
from rollbook.store import Store, audit_lines
from rollbook.store.lease import holder_of
from rollbook.store.records.audit import AuditRecords

log = structlog.get_logger()

MOST_WAITING = 10_000
MOST_AT_ONCE = 2_000
SOON_SECONDS = 1.0


@dataclass(slots=True)
class _Entry:
    """A line that waits; nobody waits for it where `answer` is None."""

    line: Line
    at: datetime
    answer: Future[None] | None = None


class Trail:
    """Appends lines, in order, to one chain for each tenant. Raises Unavailable where they cannot be written."""

    def __init__(self, store: Store) -> None:
        """Open it. Raises Unavailable, or Invalid for a master key that is none."""
        self._store = store
        self.keys = Keys(store)
        self.identities = Identities(store, self.keys)
        self._heads = Heads(store, self.keys)
        # a server may still run an insert of a process that has ended, so each process begins its own there
        self._chain = holder_of(store.folder.path) if store.engine.embedded else str(uuid.uuid4())
        self._tails: dict[str, Tail] = {}
        self._wake = threading.Condition()
        self._waiting: deque[_Entry] = deque()
        self._overflow = Overflow()
        self._soon = 0
        self._soon_due = 0.0
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="trail", daemon=True)
        self._thread.start()

    async def note(self, line: Line) -> None:
        """Write a line; when it returns, the line is on disk. Raises Unavailable."""
        await asyncio.wrap_future(self._put([line])[0])

    def note_now(self, *lines: Line) -> None:
        """The blocking twin of `note`, for threads; lines that are given together are written together."""
        for answer in self._put(lines):
            answer.result()

    def note_soon(self, line: Line) -> None:
        """Write a line with the next ones; what a crash takes is found again from the events (ingest only).

        When too many wait, the lines of several groups become one.
        """
        with self._wake:
            if self._overflow or len(self._waiting) >= MOST_WAITING:
                # those that come later too, or a crash would leave a hole before them
                self._overflow.add(line)
                return
            self._waiting.append(_Entry(line, datetime.now(UTC)))
            self._soon += 1
            if self._soon == 1:
                self._soon_due = time.monotonic() + SOON_SECONDS
                self._wake.notify()

    def recover(self) -> int:
        """Write the ingest lines that a crash took, found again from the events; how many. Raises Unavailable."""
        earliest = datetime.now(UTC) - timedelta(days=self._store.settings.audit_days)
        since = audit_lines.noted_upto(self._store.engine, earliest)
        found = 0
        for rows in audit_lines.lost(self._store.engine, since):
            for start in range(0, len(rows), MOST_AT_ONCE):
                lines = [ingested(**row, recovered=True) for row in rows[start : start + MOST_AT_ONCE]]
                self.note_now(*lines)
                found += len(lines)
        if found:
            log.warning("audit_lines_recovered", lines=found, since=since.isoformat())
        return found

    def forget(self, tenant: str, *names: str) -> int:
        """Destroy the keys of identities (stored ids), so that no line says any more who it was; how many were known.

        The chain stays as it is. Lines that come later name them again.
        """
        return self.identities.forget(tenant, [form for name in names for form in (name, f"token:{name}")])

    def tend(self) -> None:
        """Sign new heads when it is time. Raises Unavailable."""
        if self._heads.due():
            self.sign()

    def sign(self) -> None:
        """Sign the ends of the chains of this process now, and send them where heads go. Raises Unavailable."""
        self._heads.write(self._ends())

    def close(self) -> None:
        """Write what waits, and the last heads."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        self._thread.join()
        quietly(self._heads, self._ends())

    def _put(self, lines: Sequence[Line]) -> list[Future[None]]:
        answers: list[Future[None]] = [Future() for _ in lines]
        for line in lines:
            _check(line)
        with self._wake:
            if self._closing:
                raise Unavailable("Rollbook is stopping; call again in a moment", retry_after_seconds=2)
            if len(self._waiting) + len(lines) > MOST_WAITING:
                raise Unavailable("too many lines of the audit trail wait to be written; call again in a moment")
            now = datetime.now(UTC)
            self._waiting.extend(_Entry(line, now, answer) for line, answer in zip(lines, answers, strict=True))
            self._wake.notify()
        return answers

    def _ends(self) -> list[tuple[str, str, int, str]]:
        return [(tenant, tail.chain, tail.number, tail.hash) for tenant, tail in dict(self._tails).items()]

    def _run(self) -> None:
        while entries := self._next():
            # one insert is one month, so that it is there whole or not at all
            for _, some in groupby(entries, key=lambda entry: (entry.at.year, entry.at.month)):
                self._settle(list(some))

    def _next(self) -> list[_Entry]:
        """What is to be written now; waits for it. Empty: closed."""
        with self._wake:
            while not self._closing and len(self._waiting) == self._soon:
                left = self._soon_due - time.monotonic() if self._soon else None
                if left is not None and left <= 0:
                    break
                self._wake.wait(left)
            taken = [self._waiting.popleft() for _ in range(min(len(self._waiting), MOST_AT_ONCE))]
            self._soon -= sum(entry.answer is None for entry in taken)
            if self._overflow and not self._waiting:
                now = datetime.now(UTC)
                self._waiting.extend(_Entry(line, now) for line in self._overflow.take())
                self._soon = len(self._waiting)
            return taken

    def _settle(self, entries: list[_Entry]) -> None:
        """Write lines, and answer who waits for them. The thread must outlive every failure."""
        error: RollbookError | None = None
        try:
            self._write(entries)
        except RollbookError as known:
            error = known
        except Exception as unknown:
            log.exception("audit_failed")
            error = Unavailable(f"the audit trail failed: {type(unknown).__name__}")
        for answer in (entry.answer for entry in entries if entry.answer is not None):
            # whoever waited may have gone
            if answer.set_running_or_notify_cancel():
                answer.set_exception(error) if error else answer.set_result(None)
        if error:
            log.error("audit_refused", detail=error.detail, lines=len(entries))
            self._keep([entry for entry in entries if entry.answer is None])

    def _keep(self, entries: list[_Entry]) -> None:
        """Put lines back that nobody waits for, to be tried again; not at the end, where they would be for ever."""
        with self._wake:
            if self._closing or not entries:
                return
            self._waiting.extendleft(reversed(entries))
            self._soon += len(entries)
            self._soon_due = time.monotonic() + SOON_SECONDS

    def _write(self, entries: list[_Entry]) -> None:
        digests = self.identities.digests([entry.line for entry in entries])
        rows, tails = self._chained(zip(entries, digests, strict=True))
        try:
            audit_lines.append(self._store.engine, rows)
        except BaseException:
            # the lines may be there all the same, or come later: nothing may follow them
            self._tails |= {tenant: Tail(str(uuid.uuid4())) for tenant in tails}
            raise
        self._tails |= tails

    def _chained(self, entries: Iterable[tuple[_Entry, Digests]]) -> tuple[list[dict[str, Any]], dict[str, Tail]]:
        rows, tails = [], dict[str, Tail]()
        for entry, digests in entries:
            tenant = entry.line.tenant
            tail = tails.get(tenant) or self._tails.get(tenant) or self._last(tenant)
            rows.append(chained(self.keys, tail, entry.line, _cut(entry.at), digests))
            tails[tenant] = after(rows[-1])
        return rows, tails

    def _last(self, tenant: str) -> Tail:
        """Where the chain of a tenant goes on; a new one if the old one is not as its head says it was."""
        if not self._store.engine.embedded:
            return Tail(self._chain)
        records, engine = AuditRecords(self._store.records.database), self._store.engine
        marks = {kind: next(iter(records.marks(kind, tenant, self._chain)), None) for kind in ("head", "checkpoint")}
        point, head = marks["checkpoint"], marks["head"]
        row = audit_lines.tail(engine, tenant, self._chain)
        if row is not None:
            tail = Tail(self._chain, row["number"], row["hash"], row["at"])
        else:
            tail = Tail(self._chain, point["number"], point["hash"]) if point else Tail(self._chain)
        expired = point is not None and head is not None and head["number"] <= point["number"]
        if head is None or expired or self._is_at(tenant, head["number"], head["hash"]):
            return tail
        log.error("audit_trail_broken", tenant=tenant, chain=self._chain, effect="`rollbook audit verify` says where")
        return Tail(str(uuid.uuid4()))

    def _is_at(self, tenant: str, number: int, hash: str) -> bool:
        return audit_lines.hash_of(self._store.engine, tenant, self._chain, number) == hash


class Overflow:
    """Ingest lines that found no room, one for each tenant, dialect and credential."""

    def __init__(self) -> None:
        self._lines: dict[tuple[str, str, str], Line] = {}

    def __bool__(self) -> bool:
        return bool(self._lines)

    def add(self, line: Line) -> None:
        """Add a line to those of the same tenant, dialect and credential."""
        kind = line.tenant, str(line.detail.get("dialect")), line.credential
        before = self._lines.get(kind)
        if before is not None:
            detail, more = dict(line.detail), before.detail
            for name in ("events", "groups"):
                detail[name] = int(detail.get(name, 1)) + int(more.get(name, 1))
            line = dataclasses.replace(line, detail=detail)
        self._lines[kind] = line

    def take(self) -> list[Line]:
        """All of them, by receipt; none are left."""
        lines, self._lines = list(self._lines.values()), {}
        return sorted(lines, key=lambda line: line.received or EPOCH)


def ingested(
    tenant: str,
    dialect: str,
    received: datetime,
    events: int,
    *,
    credential: str = "",
    recovered: bool = False,
) -> Line:
    """The line of events that were committed together."""
    return Line(
        tenant,
        "ingest",
        "events",
        actor=credential,
        credential=credential,
        detail={"dialect": dialect, "events": events},
        received=received,
        recovered=recovered,
    )


def _check(line: Line) -> None:
    """One line that cannot be written must not fail the others. Raises Invalid."""
    try:
        "".join((line.tenant, line.action, line.credential, line.actor, line.person, line.address)).encode()
    except UnicodeEncodeError as error:
        raise Invalid("a name for the audit trail holds half a surrogate pair; send whole characters") from error


def _cut(moment: datetime) -> datetime:
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)
