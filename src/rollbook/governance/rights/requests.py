"""Requests: asked for, looked at, accepted, refused, cancelled. What is done then is in `work.py`."""

import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, get_args

from rollbook.errors import Conflict, Forbidden, Invalid, NotFound
from rollbook.governance.access import reach_of, who_may
from rollbook.governance.grants import Grant
from rollbook.governance.people import guardians_of
from rollbook.governance.pseudonyms import known_as, pseudonyms_of
from rollbook.governance.rights.packages import Packages
from rollbook.governance.rights.subject import CONTEXT, sealed, subject, unsealed
from rollbook.governance.rights.wishes import checked
from rollbook.governance.tombstones import tombstones_of
from rollbook.store import Store
from rollbook.store.records.database import Record
from rollbook.store.records.rights import RightsRecords

Kind = Literal["access", "portability", "rectification", "erasure", "restriction", "objection"]
KINDS: tuple[Kind, ...] = get_args(Kind)
State = Literal["received", "running", "done", "refused", "failed"]

MOST_WHY = 1_000


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it is shown: nothing in it says whose it is."""

    request_id: str
    kind: str
    state: State
    asked_by: str
    received: datetime
    deadline: datetime
    begun: datetime | None
    ended: datetime | None
    why: str
    waits_for: str
    receipt: dict[str, Any] | None
    package_until: datetime | None


@dataclass(frozen=True, slots=True)
class Package:
    """A zip with everything held of a person."""

    content: bytes
    person: str


class Rights:
    """The requests of all tenants. `begin` starts the work on one, which then goes on whatever happens."""

    def __init__(self, store: Store, begin: Callable[[str], None]) -> None:
        self._store = store
        self._records = RightsRecords(store.records.database)
        self._packages = Packages(store)
        self._begin = begin

    def ask(self, grant: Grant, kind: Kind, user: str, wishes: Mapping[str, Any] | None = None) -> Request:
        """Keep a request, and begin with it. What a person or guardian wants corrected waits to be accepted.

        Raises Forbidden for somebody else's data, Invalid for wishes that do not fit, Unavailable.
        """
        if not user:
            raise Invalid("user_id is empty; name the person whom the request is about")
        stored = known_as(self._store, grant.tenant, user)
        if grant.users is not None and stored not in grant.users:
            raise Forbidden(f"you may not ask for user {user!r}")
        wanted = checked(kind, dict(wishes or {}))
        row = self._row(grant, kind, user, wanted)
        self._records.add(row)
        if not _waits(row):
            self._begin(row["id"])
        return _shown(self._records.one(row["id"]) or row)

    def show(self, grant: Grant, request: str) -> Request:
        """A request. Raises NotFound, also for one that is none of theirs."""
        return _shown(self._found(grant, request))

    def listed(self, grant: Grant, state: State | None = None, *, limit: int = 100) -> list[Request]:
        """The newest requests that the caller may see."""
        return [_shown(row) for row in self._records.listed(grant.tenant, self._digests(grant), state, limit=limit)]

    def accept(self, grant: Grant, request: str) -> Request:
        """Let a request that waits be carried out. Raises Forbidden for the person, Conflict if it does not wait."""
        row = self._found(grant, request)
        _only_staff(grant)
        if not _waits(row):
            raise Conflict(f"request {request} does not wait to be accepted; it is {row['state']}")
        self._records.change(request, asked_by="staff, for " + row["asked_by"])
        self._begin(request)
        return self.show(grant, request)

    def refuse(self, grant: Grant, request: str, why: str) -> Request:
        """Refuse a request that was not begun, with the reason that the person is told."""
        self._found(grant, request)
        _only_staff(grant)
        if not why.strip() or len(why) > MOST_WHY:
            raise Invalid(f"say why it is refused, in at most {MOST_WHY} characters; the person has a right to know")
        return self._end(grant, request, why)

    def cancel(self, grant: Grant, request: str) -> Request:
        """Take a request back, while it was not begun. Raises Conflict after that."""
        self._found(grant, request)
        return self._end(grant, request, "cancelled by who asked")

    def again(self, grant: Grant, request: str) -> Request:
        """Go on with a request that failed. Raises Conflict for any other."""
        row = self._found(grant, request)
        steps = row["steps"] | {"attempt": row["steps"].get("attempt", 0) + 1}
        if not self._records.change(request, when=("failed",), state="received", why="", ended=None, steps=steps):
            raise Conflict(f"request {request} has not failed")
        self._begin(request)
        return self.show(grant, request)

    def package(self, grant: Grant, request: str) -> Package:
        """The zip of an access request, and whose it is. Raises NotFound if there is none, or none any longer.

        It holds what people wrote to an AI: Forbidden for staff who may not read that.
        """
        row = self._found(grant, request)
        if grant.users is None and grant.caller is not None and reach_of(grant.caller, "words") is None:
            raise Forbidden(f"the package holds messages to an AI; it is for: {who_may('words')}")
        if row["package_until"] is None:
            raise NotFound(f"request {request} has no package: it is {row['state']}, of kind {row['kind']}")
        person = unsealed(self._store, row["tenant"], row["person"]).users[0]
        return Package(self._packages.read(row["tenant"], request), person)

    def readmit(self, grant: Grant, user: str) -> int:
        """Take events of somebody who was erased again, from now on. How many of their ids were barred."""
        _only_staff(grant)
        known = subject(self._store, grant.tenant, user)
        return tombstones_of(self._store).lift(grant.tenant, known.users)

    def expire(self) -> int:
        """Remove the packages whose time is over; how many."""
        over = [row for row in self._records.packaged() if row["package_until"] <= datetime.now(UTC)]
        for row in over:
            self._packages.remove(row["id"])
            self._records.change(row["id"], package_until=None)
        return len(over)

    def unfinished(self) -> list[str]:
        """Requests that were begun, or are to be, and have not ended."""
        found = (self._records.one(request) for request in self._records.unfinished())
        return [row["id"] for row in found if row and not _waits(row)]

    def _row(self, grant: Grant, kind: Kind, user: str, wishes: dict[str, Any]) -> Record:
        store, now = self._store, datetime.now(UTC)
        known = subject(store, grant.tenant, user)
        lifts = kind == "restriction" and not wishes.get("on", True)
        if (
            lifts
            and _asked_by(grant, known.users) == "the person"
            and guardians_of(store, grant.tenant, known.users[0])
        ):
            raise Forbidden("who has a guardian does not lift a restriction; the guardian may, or staff")
        kept = pseudonyms_of(store).sealing.seal(grant.tenant, json.dumps(wishes).encode(), context=CONTEXT)
        return {
            "tenant": grant.tenant,
            "id": secrets.token_hex(12),
            "kind": "access" if kind == "portability" else kind,
            "state": "received",
            "asked_by": _asked_by(grant, known.users),
            "person": sealed(store, grant.tenant, known),
            "digest": tombstones_of(store).digest(grant.tenant, known_as(store, grant.tenant, user)),
            "wishes": kept if wishes else None,
            "received": now,
            "deadline": now + timedelta(days=store.settings.rights_days),
            "steps": {},
            "why": "",
        }

    def _found(self, grant: Grant, request: str) -> Record:
        row = self._records.one(request, grant.tenant)
        digests = self._digests(grant)
        if row is None or (digests is not None and row["digest"] not in digests):
            raise NotFound(f"there is no request {request!r}")
        return row

    def _digests(self, grant: Grant) -> list[str] | None:
        if grant.users is None:
            return None
        return tombstones_of(self._store).digests(grant.tenant, grant.users)

    def _end(self, grant: Grant, request: str, why: str) -> Request:
        now = datetime.now(UTC)
        gone = {"person": None, "wishes": None, "ended": now, "why": why}
        if not self._records.change(request, when=("received",), state="refused", **gone):
            raise Conflict(f"request {request} was begun, and cannot be taken back")
        return self.show(grant, request)


def _asked_by(grant: Grant, users: tuple[str, ...]) -> str:
    """Who asked, in a word that names nobody; the trail has the name."""
    if grant.users is None:
        return "staff"
    return "the person" if grant.caller is not None and grant.caller.subject in users else "a guardian"


def _waits(row: Record) -> bool:
    """Whether somebody of the tenant has to accept it first: no one corrects their own marks."""
    own = row["asked_by"] in ("the person", "a guardian")
    return bool(row["state"] == "received" and row["kind"] == "rectification" and own)


def _only_staff(grant: Grant) -> None:
    if grant.users is not None:
        raise Forbidden("only a privacy officer or an admin of the tenant may decide this")


def _shown(row: Record) -> Request:
    return Request(
        request_id=row["id"],
        kind=row["kind"],
        state=row["state"],
        asked_by=row["asked_by"],
        received=row["received"],
        deadline=row["deadline"],
        begun=row.get("begun"),
        ended=row.get("ended"),
        why=row["why"],
        waits_for="acceptance by the tenant" if _waits(row) else "",
        receipt=row.get("receipt"),
        package_until=row.get("package_until"),
    )
