"""Work: what is done for a request, in steps of which each can be done again."""

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from rollbook.errors import NotFound
from rollbook.governance import consent
from rollbook.governance.audit import Line, Trail
from rollbook.governance.audit.line import Action
from rollbook.governance.pseudonyms import pseudonyms_of
from rollbook.governance.rights import erasure
from rollbook.governance.rights.erasure import Erasure
from rollbook.governance.rights.held import held, package
from rollbook.governance.rights.packages import Packages
from rollbook.governance.rights.rectification import rectify
from rollbook.governance.rights.subject import CONTEXT, unsealed
from rollbook.governance.tombstones import tombstones_of
from rollbook.store import Store
from rollbook.store.records import holdings
from rollbook.store.records.database import Record
from rollbook.store.records.rights import RightsRecords

Told = dict[str, Any]

BEGIN, END = "begin", "end"
ONE_STEP = {"access": "collect", "rectification": "correct", "restriction": "restrict", "objection": "object"}


class Work:
    """The steps of all kinds of requests."""

    def __init__(self, store: Store, trail: Trail | None = None) -> None:
        self._store = store
        self._trail = trail
        self._records = RightsRecords(store.records.database)
        self._alone: dict[str, Callable[[Record], Told]] = {
            "collect": self._collect,
            "correct": self._correct,
            "restrict": self._restrict,
            "object": self._object,
        }

    def attempt(self, request: str) -> int:
        """How often a request was begun again."""
        return int(self._row(request)["steps"].get("attempt", 0))

    def steps(self, request: str) -> Sequence[str]:
        """The names of a request's steps, in order."""
        kind = self._row(request)["kind"]
        return (BEGIN, *(erasure.STEPS if kind == "erasure" else (ONE_STEP[kind],)), END)

    def do(self, request: str, step: str) -> None:
        """Do one step, unless the request has ended. Raises RollbookError; then it is to be done again."""
        row = self._row(request)
        if row["state"] not in ("received", "running"):
            return
        if step == BEGIN:
            self._begin(row)
        elif step == END:
            self._end(row)
        elif step not in row["steps"]:
            told = self._alone[step](row) if step in self._alone else erasure.STEPS[step](self._erasure(row))
            self._records.change(request, steps=row["steps"] | {step: told})

    def fail(self, request: str, why: str) -> None:
        """Note that a request could not be carried out."""
        self._records.change(request, when=("received", "running"), state="failed", why=why, ended=datetime.now(UTC))

    def _begin(self, row: Record) -> None:
        if row["kind"] == "erasure" and (reason := erasure.barred(self._erasure(row))):
            self._records.change(
                row["id"], state="refused", why=reason, person=None, wishes=None, ended=datetime.now(UTC)
            )
            return
        self._records.change(row["id"], state="running", begun=row["begun"] or datetime.now(UTC))

    def _end(self, row: Record) -> None:
        now = datetime.now(UTC)
        steps = {name: told for name, told in row["steps"].items() if name != "attempt"}
        receipt = {"finished": now.isoformat(timespec="seconds"), "done": steps}
        ended: dict[str, Any] = {"state": "done", "ended": now, "wishes": None, "steps": {}}
        if self._trail is not None:
            action: Action = "erasure" if row["kind"] == "erasure" else "rights"
            # of whom, but not of somebody who was erased just now
            person = "" if row["kind"] == "erasure" else unsealed(self._store, row["tenant"], row["person"]).users[0]
            told: dict[str, str | int] = {"request": row["id"], "kind": row["kind"]}
            self._trail.note_now(Line(row["tenant"], action, "privacy request", person=person, detail=told))
        if row["kind"] != "erasure":
            self._records.change(row["id"], receipt=receipt, **ended)
            return
        known, tenant = unsealed(self._store, row["tenant"], row["person"]), row["tenant"]
        digests = tombstones_of(self._store).digests(tenant, known.users)
        # of this request last: until then it knows whom it is about
        self._records.forget(tenant, digests, but=row["id"])
        self._records.change(row["id"], receipt=receipt | {"stays": erasure.STAYS}, person=None, **ended)
        holdings.leave_nothing(self._store.records.database)

    def _collect(self, row: Record) -> Told:
        """Make the package of an access request."""
        known, store, now = unsealed(self._store, row["tenant"], row["person"]), self._store, datetime.now(UTC)
        tables = held(store, row["tenant"], known)
        made = now.isoformat(timespec="seconds")
        Packages(store).write(row["tenant"], row["id"], package(tables, tenant=row["tenant"], known=known, made=made))
        self._records.change(row["id"], package_until=now + timedelta(days=store.settings.package_days))
        return {"rows": {table: len(rows) for table, rows in tables.items()}}

    def _correct(self, row: Record) -> Told:
        known = unsealed(self._store, row["tenant"], row["person"])
        return rectify(self._store, row["tenant"], known, self._wishes(row))

    def _restrict(self, row: Record) -> Told:
        known, wishes = unsealed(self._store, row["tenant"], row["person"]), self._wishes(row)
        on = bool(wishes.get("on", True))
        consent.restrict(self._store, row["tenant"], known.users[0], on, str(wishes.get("why", "")))
        return {"restricted": on}

    def _object(self, row: Record) -> Told:
        known, wishes = unsealed(self._store, row["tenant"], row["person"]), self._wishes(row)
        purposes = [consent.purpose_of(name) for name in wishes.get("purposes", consent.PURPOSES)]
        capacity = "guardian" if row["asked_by"] == "a guardian" else "person"
        why = str(wishes.get("why", ""))
        consent.object_to(self._store, row["tenant"], known.users[0], why, purposes=purposes, capacity=capacity)
        return {"purposes": purposes}

    def _wishes(self, row: Record) -> dict[str, Any]:
        if row["wishes"] is None:
            return {}
        sealing = pseudonyms_of(self._store).sealing
        found: dict[str, Any] = json.loads(sealing.unseal(row["tenant"], row["wishes"], context=CONTEXT))
        return found

    def _erasure(self, row: Record) -> Erasure:
        known = unsealed(self._store, row["tenant"], row["person"])
        return Erasure(self._store, row["tenant"], row["id"], known, self._trail)

    def _row(self, request: str) -> Record:
        row = self._records.one(request)
        if row is None:
            raise NotFound(f"there is no request {request!r}")
        return row
