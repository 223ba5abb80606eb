"""Checking the trail: is every line there, as it was written, where it was written?

It goes a bounded number of lines at a time and says where to go on, so that a long trail can be checked with progress,
stopped and resumed.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from rollbook.governance.audit.chain import canonical
from rollbook.governance.audit.heads import statement
from rollbook.governance.audit.keys import Keys
from rollbook.store import Store, audit_lines
from rollbook.store.engine import Row
from rollbook.store.records.audit import AuditRecords, Mark
from rollbook.store.records.database import Record

Chain = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Bad:
    """The first line that is not as it was written, or not there, and what is wrong with it."""

    tenant: str
    chain: str
    number: int
    wrong: str


@dataclass(frozen=True, slots=True)
class Place:
    """Where to go on: after this line of this chain."""

    tenant: str
    chain: str
    number: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found in `lines` lines of `chains` chains, all good but `bad`; `next`: there is more."""

    lines: int
    chains: int
    bad: Bad | None = None
    next: Place | None = None


@dataclass(slots=True)
class _Walk:
    """One chain as it is gone along: the line before, and what must stand where (hashes by number)."""

    name: Chain
    number: int = 0
    hash: str = ""
    must: dict[int, str] = field(default_factory=dict)
    checkpoint: int = 0
    lines: int = 0

    def bad(self, number: int, wrong: str) -> Bad:
        """A verdict about one of its lines."""
        return Bad(*self.name, number, wrong)


class Checking:
    """Checks chains against themselves, their checkpoints and signed heads."""

    def __init__(self, store: Store, keys: Keys) -> None:
        self._engine = store.engine
        self._records = AuditRecords(store.records.database)
        self._keys = keys

    def check(
        self, tenant: str | None, heads: Sequence[Record] = (), *, after: Place | None = None, most_lines: int = 200_000
    ) -> Verdict:
        """Check a tenant's chains (None: all), from `after` on; `heads` are added to those of the records."""
        # before the lines: a head that is signed meanwhile may name a line that was not read
        signed = [*self._records.marks("head", tenant), *(h for h in heads if tenant in (None, h["tenant"]))]
        if (forged := self._forged("head", signed)) is not None:
            return Verdict(0, 0, forged)
        stored = [(row["tenant"], row["chain"]) for row in audit_lines.chains(self._engine, tenant)]
        names = sorted({*stored, *((head["tenant"], head["chain"]) for head in signed)})
        lines = chains = 0
        for name in names:
            if after is not None and name < (after.tenant, after.chain):
                continue
            begin = after.number if after is not None and name == (after.tenant, after.chain) else 0
            walk, bad, ended = self._chain(name, signed, begin, most_lines - lines)
            lines, chains = lines + walk.lines, chains + ended
            if bad is not None:
                return Verdict(lines, chains, bad)
            if not ended:
                return Verdict(lines, chains, next=Place(*name, walk.number))
        return Verdict(lines, chains)

    def _chain(self, name: Chain, signed: Iterable[Record], begin: int, most: int) -> tuple[_Walk, Bad | None, bool]:
        """Go along one chain; whether it ended within `most` lines."""
        heads = [head for head in signed if (head["tenant"], head["chain"]) == name]
        walk = _Walk(name, number=begin)
        if begin:
            walk.hash = audit_lines.hash_of(self._engine, *name, begin) or ""
        rows = _ahead(audit_lines.read(self._engine, *name, begin + 1, max(most, 1)))
        # after the lines are being read: what has gone before that, is behind a checkpoint by now
        if (bad := self._set_out(walk, heads)) is not None:
            return walk, bad, True
        for row in rows:
            if (bad := self._line(walk, row)) is not None:
                return walk, bad, True
        if walk.lines >= max(most, 1):
            return walk, None, False
        missing = sorted(number for number in walk.must if number > max(walk.number, walk.checkpoint))
        if missing:
            first, last = max(walk.number, walk.checkpoint) + 1, missing[-1]
            return walk, walk.bad(first, f"{_lines(first, last)} missing: a signed head names line {last}"), True
        return walk, None, True

    def _set_out(self, walk: _Walk, heads: Iterable[Record]) -> Bad | None:
        point = next(iter(self._records.marks("checkpoint", *walk.name)), None)
        if point is not None:
            if (forged := self._forged("checkpoint", [point])) is not None:
                return forged
            walk.checkpoint = point["number"]
            walk.must[point["number"]] = point["hash"]
        for head in heads:
            number = head["number"]
            if walk.must.setdefault(number, head["hash"]) != head["hash"]:
                return walk.bad(number, "two signed marks name different lines")
        return None

    def _line(self, walk: _Walk, row: Row) -> Bad | None:
        """What is wrong with the line, if anything."""
        number, wanted = row["number"], max(walk.number, walk.checkpoint if not walk.number else 0) + 1
        if walk.number == 0 and number <= walk.checkpoint + 1:
            # those before it have expired, wholly or in part
            wanted = number
            walk.hash = walk.must[walk.checkpoint] if number == walk.checkpoint + 1 and number > 1 else row["previous"]
        if number > wanted:
            return walk.bad(wanted, f"{_lines(wanted, number - 1)} missing")
        if number < wanted:
            return walk.bad(number, "the line is there twice")
        wrong = self._wrong(walk, row)
        walk.number, walk.hash, walk.lines = number, row["hash"], walk.lines + 1
        return None if wrong is None else walk.bad(number, wrong)

    def _wrong(self, walk: _Walk, row: Row) -> str | None:
        if row["key"] != self._keys.id:
            return f"the line was written under the key {row['key']!r}, which these records do not hold"
        if self._keys.hash(canonical(row)) != row["hash"]:
            return "the line was altered or moved"
        if row["previous"] != walk.hash or (row["number"] == 1 and row["previous"]):
            return "the line does not follow the one before it"
        if walk.must.get(row["number"], row["hash"]) != row["hash"]:
            return "the line is not the one that a signed mark names"
        return None

    def _forged(self, kind: Mark, marks: Iterable[Record]) -> Bad | None:
        for mark in marks:
            if mark["key"] != self._keys.id:
                wrong = f"the {kind} was signed with the key {mark['key']!r}, which these records do not hold"
            elif not self._keys.is_signed(statement(kind, mark), mark["signature"]):
                wrong = f"the {kind} was altered: its signature does not hold"
            else:
                continue
            return Bad(mark["tenant"], mark["chain"], mark["number"], wrong)
        return None


def _ahead(rows: Iterator[Row]) -> Iterator[Row]:
    """The same rows; the reading of them has begun when this returns."""
    first = next(rows, None)

    def again() -> Iterator[Row]:
        if first is not None:
            yield first
            yield from rows

    return again()


def _lines(first: int, last: int) -> str:
    return f"line {first} is" if first == last else f"lines {first} to {last} are"


def newest(heads: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Of each chain the head with the highest number."""
    found: dict[Chain, dict[str, Any]] = {}
    for head in heads:
        name = head["tenant"], head["chain"]
        if name not in found or found[name]["number"] < head["number"]:
            found[name] = head
    return list(found.values())
