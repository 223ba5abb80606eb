"""`rollbook roster import`: a OneRoster package, taken in whole; it may be run again at any time.

A bulk file is all there is: what an earlier package told and this one no longer does ends today. It does not where a
line was refused, so that a broken line takes nobody's place away. A delta file is what changed: what it calls
`tobedeleted` ends today.
"""

import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import Any

from rollbook.errors import Invalid
from rollbook.governance.people import today
from rollbook.governance.pseudonyms import known_as
from rollbook.governance.roster import ERASED, Saying, Told, hidden, put
from rollbook.governance.roster.items import KINDS, Outcome
from rollbook.ingest.importing import Progress, quiet
from rollbook.ingest.one_roster.entries import GUARDIAN, SOURCE, STUDENT, TEACHER, Entries, Entry, Said
from rollbook.ingest.one_roster.package import NEEDED, Line, Package
from rollbook.store import Store
from rollbook.store.records.people.roster import Lasting

USER_COLUMNS = ("sourcedId", "username", "identifier", "email")
AT_ONCE = 5_000
# which file of a bulk package holds all that there is
WHOLE: dict[Lasting, str] = {"memberships": "enrollments", "guardianships": "users"}
MOST_SHOWN = 100


@dataclass(slots=True, kw_only=True)
class RosterSummary:
    """What an import changed, by kind of entry; `ended`: memberships and guardianships that hold no longer."""

    rows: int = 0
    counts: dict[str, dict[str, int]] = field(default_factory=lambda: {kind: _nothing() for kind in KINDS})
    ended: int = 0
    ignored: int = 0
    refused: int = 0
    lines: list[dict[str, Any]] = field(default_factory=list)
    kept: bool = False

    def text(self) -> str:
        """In words."""
        parts = [f"{self.rows:,} entries"]
        for kind, counts in self.counts.items():
            told = [f"{counts[name]:,} {name}" for name in ("new", "changed") if counts[name]]
            parts += [f"{kind}: {', '.join(told)}"] if told else []
        parts += [f"{self.ended:,} ended"] if self.ended else []
        parts += [f"{self.ignored:,} lines have no meaning here"] if self.ignored else []
        parts += [f"{self.refused:,} lines refused"] if self.refused else []
        parts += ["so nothing was ended that the package no longer tells"] if self.kept else []
        return "; ".join(parts) if len(parts) > 1 else f"{parts[0]}; nothing has changed"

    def numbers(self) -> dict[str, Any]:
        """In numbers, with the first refused lines."""
        named = {"rows": self.rows, "ended": self.ended, "ignored": self.ignored, "refused": self.refused}
        return named | self.counts | {"lines": self.lines}

    def add(self, outcome: Outcome, entries: list[Entry]) -> None:
        """Count what became of some entries."""
        self.rows += len(entries)
        for kind in KINDS:
            for name, count in getattr(outcome, kind).model_dump().items():
                self.counts[kind][name] += count
        by_kind = {kind: [entry.line for entry in entries if entry.kind == kind] for kind in KINDS}
        for one in outcome.rejected:
            if one.reason == ERASED:
                # the school may go on naming them; they stay erased
                self.ignored += 1
            else:
                self.refuse(by_kind[one.kind][one.index], one.reason)

    def refuse(self, line: Line, reason: str) -> None:
        """Note a line that was refused."""
        self.refused += 1
        if len(self.lines) < MOST_SHOWN:
            self.lines.append({"file": line.file, "line": line.number, "reason": reason})


def import_one_roster(
    store: Store, path: Path, *, tenant: str = "default", column: str = "sourcedId", progress: Progress = quiet
) -> RosterSummary:
    """Take a zip or a folder in. `column` of users.csv is the user id of events.

    Raises Invalid if a file is missing or cannot be read, naming it and the line; single wrong lines are refused.
    """
    if column not in USER_COLUMNS:
        raise Invalid(f"the user id of events can be in {', '.join(USER_COLUMNS)} of users.csv, not in {column!r}")
    saying = Saying(SOURCE, secrets.token_hex(8))
    summary = RosterSummary()
    with Package(path) as package:
        total = sum(map(package.estimated_rows, NEEDED))
        entries = Entries(package, column, _Records(store, tenant, column))
        told = chain(entries.people(), entries.courses(), entries.memberships(), entries.guardianships())
        for some in _parts(told):
            summary.add(put(store, tenant, _as_told(some), saying), some)
            progress(summary.rows, max(total, summary.rows), some[-1].line.file)
        for line, reason in entries.said.refused:
            summary.refuse(line, reason)
        summary.ignored += entries.said.ignored
        _end(store, tenant, package, entries.said, saying, summary=summary)
    progress(summary.rows, summary.rows, "done")
    return summary


def _end(store: Store, tenant: str, package: Package, said: Said, saying: Saying, *, summary: RosterSummary) -> None:
    """End what is gone."""
    day = today(store, tenant)
    gone = [known_as(store, tenant, user) for user in said.gone_users]
    with store.records.people.roster(tenant) as roster:
        summary.ended += roster.end_refs(SOURCE, said.gone_enrollments, day, seen=saying.seen)
        summary.ended += roster.end_users(SOURCE, gone, day)
        if package.mode("users") == "delta":
            rows = {f"users:{key}" for key in said.told_users}
            summary.ended += roster.end_refs(SOURCE, rows, day, seen=saying.seen)
        for table, file in WHOLE.items():
            if package.mode(file) == "bulk" and summary.refused:
                summary.kept = True
            elif package.mode(file) == "bulk":
                summary.ended += roster.end_unseen(table, SOURCE, saying.seen, day)


@dataclass(frozen=True, slots=True)
class _Records:
    """What earlier packages told of a user."""

    store: Store
    tenant: str
    column: str

    def user(self, key: str) -> str | None:
        if self.column == "sourcedId":
            return key
        return self.store.records.people.known_by(self.tenant, "sis", hidden(self.store, self.tenant, "sis", key))

    def roles(self, key: str) -> set[str]:
        user, people = self.user(key), self.store.records.people
        users = [known_as(self.store, self.tenant, user)] if user else []
        there = {row["role"] for row in people.memberships(self.tenant, users=users)}
        guards = people.guardianships(self.tenant, guardians=users)
        wards = people.guardianships(self.tenant, wards=users)
        found = {GUARDIAN: guards, STUDENT: wards or "learner" in there, TEACHER: "educator" in there}
        return {role for role, holds in found.items() if holds}


def _parts(entries: Iterable[Entry]) -> Iterator[list[Entry]]:
    rest = iter(entries)
    while some := list(islice(rest, AT_ONCE)):
        yield some


def _as_told(entries: list[Entry]) -> Told:
    by_kind: dict[str, list[dict[str, Any]]] = {kind: [] for kind in KINDS}
    for entry in entries:
        by_kind[entry.kind].append(entry.item)
    return Told.model_validate(by_kind)


def _nothing() -> dict[str, int]:
    return {"new": 0, "changed": 0, "unchanged": 0}
