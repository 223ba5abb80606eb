"""Entries: what the lines of a package say, as entries of a roster.

A course is a class. Who answers for whom is told by `agentSourcedIds` of a learner or of their guardian; the school's
own system vouches for it.
"""

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

from rollbook.governance.roster.items import Kind
from rollbook.ingest.one_roster.package import Line, Package

SOURCE = "oneroster"

MEMBER_ROLES = {
    "student": "learner",
    "teacher": "educator",
    "aide": "assistant",
    "proctor": "assistant",
    "administrator": "administrator",
}
STUDENT, TEACHER, GUARDIAN = "student", "teacher", "guardian"
GUARDIANS = {GUARDIAN, "parent"}

USER_IDS = re.compile(r"\{([^{}:]+):([^{}]+)\}")
# what they would say is told otherwise, or proves nothing
TAKEN = {"user", "sis", "email"}
FOREVER = "9999"


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a roster and the line that says it."""

    kind: Kind
    item: dict[str, Any]
    line: Line


@dataclass(slots=True)
class Said:
    """What a package says beside its entries: lines that make none, and records that are gone."""

    refused: list[tuple[Line, str]] = field(default_factory=list)
    ignored: int = 0
    gone_users: set[str] = field(default_factory=set)
    gone_enrollments: set[str] = field(default_factory=set)
    told_users: set[str] = field(default_factory=set)


class OnRecord(Protocol):
    """What earlier packages told of a user, by their sourcedId."""

    def user(self, key: str) -> str | None:
        """Their user id; None: nobody has told."""

    def roles(self, key: str) -> set[str]:
        """What they are, in OneRoster's words; empty: nobody has told."""


class Entries:
    """The entries of a package. `column`: which of the users' columns is the user id of events.

    `records`: what is on record for those whom a delta does not name.
    """

    def __init__(self, package: Package, column: str, records: OnRecord) -> None:
        self._package = package
        self._column = column
        self._records = records
        self._users: dict[str, str | None] = {}
        self._roles: dict[str, set[str]] = defaultdict(set)
        self.said = Said()

    def people(self) -> Iterator[Entry]:
        """Everyone, with their other ids and when they were born. Comes first: the others need it."""
        born = {line.get("sourcedId"): line for line in self._package.lines("demographics") if not line.deleted}
        for line in self._package.lines("users"):
            key, user = line.get("sourcedId"), line.get(self._column)
            if not key or not user:
                self._refuse(line, f"{'sourcedId' if not key else self._column} is empty")
                continue
            self._users[key] = user
            self._roles[key].update(filter(None, [line.get("role").lower()]))
            if line.deleted:
                self.said.gone_users.add(user)
                continue
            self.said.told_users.add(key)
            item = {"user_id": user, "identities": [{"scheme": "sis", "value": key}, *_other_ids(line)]}
            yield Entry("people", item | _birth(born.pop(key, None)), line)
        for key, line in born.items():
            if (known := self._user(key)) is not None:
                yield Entry("people", {"user_id": known} | _birth(line), line)
            else:
                self._refuse(line, f"there is no user {key!r}")
        for line in self._package.lines("roles"):
            if not line.deleted:
                self._roles[line.get("userSourcedId")].add(line.get("role").lower())

    def courses(self) -> Iterator[Entry]:
        """The classes, each with the terms that it runs in."""
        terms = {line.get("sourcedId"): line for line in self._package.lines("academicSessions") if not line.deleted}
        for line in self._package.lines("classes"):
            if line.deleted:
                self.said.ignored += 1
                continue
            item: dict[str, Any] = {"course_id": line.get("sourcedId"), "title": line.get("title")}
            its = [terms[key] for key in line.many("termSourcedIds") if key in terms]
            if its:
                item["presentation"] = ", ".join(term.get("title") for term in its)
                item["starts"] = min(term.get("startDate") for term in its)
                item["ends"] = max(term.get("endDate") for term in its)
            yield Entry("courses", item, line)

    def memberships(self) -> Iterator[Entry]:
        """The enrolments; of several of one user in one class and role the one that lasts longest."""
        lasting: dict[tuple[str, str, str], Entry] = {}
        for line in self._package.lines("enrollments"):
            entry = self._membership(line)
            if entry is not None:
                key = (entry.item["course_id"], entry.item["user_id"], entry.item["role"])
                lasting[key] = max(lasting.get(key, entry), entry, key=_lasts)
        yield from lasting.values()

    def guardianships(self) -> Iterator[Entry]:
        """Who answers for whom, as far as `users.csv` says."""
        for line in self._package.lines("users"):
            key = line.get("sourcedId")
            if line.deleted or key not in self.said.told_users:
                continue
            for agent in line.many("agentSourcedIds"):
                if not self._known(agent):
                    # what their row told before stays
                    self.said.told_users.discard(key)
                    self._refuse(line, f"agent {agent!r} is not in the package, and nobody knows what they are")
                elif pair := self._pair(key, agent):
                    ward, guardian = pair
                    item = {"ward_id": self._user(ward), "guardian_id": self._user(guardian), "verified_by": SOURCE}
                    yield Entry("guardianships", item | {"ref": f"users:{key}"}, line)

    def _membership(self, line: Line) -> Entry | None:
        key, role = line.get("userSourcedId"), line.get("role").lower()
        if line.deleted:
            self.said.gone_enrollments.add(line.get("sourcedId"))
        elif role.startswith("ext:"):
            self.said.ignored += 1
        elif role not in MEMBER_ROLES:
            self._refuse(line, f"role {role!r} is not one of {', '.join(MEMBER_ROLES)}")
        elif (user := self._user(key)) is None:
            self._refuse(line, f"there is no user {key!r}")
        elif user not in self.said.gone_users:
            item: dict[str, Any] = {"course_id": line.get("classSourcedId"), "user_id": user}
            item["role"] = MEMBER_ROLES[role]
            item |= {"ref": line.get("sourcedId"), "from": line.get("beginDate") or None}
            return Entry("memberships", item | {"to": line.get("endDate") or None}, line)
        return None

    def _known(self, agent: str) -> bool:
        """Whether it is known what somebody is, by the package or, for a delta, by the records."""
        if agent not in self._roles and self._package.mode("users") == "delta":
            self._roles[agent] = self._records.roles(agent)
            return bool(self._roles[agent])
        # all there is does not hold them, so nobody can answer for anybody
        return True

    def _pair(self, one: str, other: str) -> tuple[str, str] | None:
        """Ward and guardian, if the two are that."""
        for ward, guardian in ((one, other), (other, one)):
            if STUDENT in self._roles[ward] and GUARDIANS & self._roles[guardian]:
                return ward, guardian
        return None

    def _user(self, key: str) -> str | None:
        """The user id of a sourcedId; None if nobody knows it."""
        if key not in self._users and self._package.mode("users") != "bulk":
            self._users[key] = self._records.user(key)
        return self._users.get(key)

    def _refuse(self, line: Line, reason: str) -> None:
        self.said.refused.append((line, reason))


def _birth(line: Line | None) -> dict[str, str]:
    return {"birth_date": line.get("birthDate")} if line and line.get("birthDate") else {}


def _other_ids(line: Line) -> Iterator[dict[str, str]]:
    """The `userIds`, as in {LDAP:ada},{Fed:17}."""
    for kind, value in USER_IDS.findall(line.get("userIds")):
        scheme = re.sub(r"[^a-z0-9_.-]", "-", kind.strip().lower())[:60]
        if value.strip() and scheme not in TAKEN:
            yield {"scheme": scheme if scheme[:1].isalpha() else f"id-{scheme}", "value": value.strip()}


def _lasts(entry: Entry) -> tuple[str, str]:
    return entry.item["to"] or FOREVER, entry.item["from"] or ""
