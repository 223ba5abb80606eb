"""Decisions: what somebody said about the use of their data. They are appended; nothing is ever taken out of them."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from rollbook.errors import Invalid
from rollbook.governance.ages import consent_age, is_child
from rollbook.governance.consent.purposes import PURPOSES, Purpose, holds
from rollbook.governance.consent.standing import ANYTHING, standings
from rollbook.governance.people import person_of, same_person, today
from rollbook.governance.tenants import tenants_of
from rollbook.store import Store
from rollbook.store.privacy import message_texts
from rollbook.store.records.database import Record

Capacity = Literal["person", "guardian"]
Kind = Literal["decision", "objection", "restriction"]

MOST_EVIDENCE = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What a user (as stored) has decided, themselves or a guardian for them. `decided_by`: who told Rollbook so.

    `evidence`: where it is written down; `policy`: the version of the notice that they were shown.
    """

    user: str
    purpose: Purpose
    given: bool
    capacity: Capacity = "person"
    decided_by: str = ""
    evidence: str = ""
    policy: str = ""


def decide(store: Store, tenant: str, *made: Decision) -> None:
    """Keep decisions; they hold when this returns. Raises Invalid."""
    for one in made:
        if not one.user:
            raise Invalid("a decision is about somebody: user_id is empty")
        if len(one.evidence) > MOST_EVIDENCE or len(one.policy) > MOST_EVIDENCE:
            raise Invalid(f"evidence and policy have at most {MOST_EVIDENCE} characters; name where they are kept")
    _write(store, tenant, [asdict(one) | {"kind": "decision"} for one in made])


def object_to(
    store: Store,
    tenant: str,
    user: str,
    why: str = "",
    *,
    purposes: Sequence[Purpose] = PURPOSES,
    by: str = "",
    capacity: str = "person",
) -> None:
    """Note an objection (GDPR Article 21) of the person or their `guardian`: none of these purposes is allowed any
    longer.
    """
    row = {"user": user, "given": False, "capacity": capacity, "decided_by": by, "evidence": why, "policy": ""}
    _write(store, tenant, [row | {"purpose": purpose, "kind": "objection"} for purpose in purposes])


def restrict(store: Store, tenant: str, user: str, on: bool, why: str = "", *, by: str = "") -> None:
    """Restrict (GDPR Article 18) or no longer: what there is of a user is kept, and what comes, but nothing is used."""
    row = {"user": user, "purpose": ANYTHING, "given": not on, "capacity": "person", "decided_by": by, "evidence": why}
    _write(store, tenant, [row | {"policy": "", "kind": "restriction"}])


def history(store: Store, tenant: str, user: str) -> list[Record]:
    """Every decision about a user, under any of their ids, the first first."""
    return standings(store).records.history(tenant, same_person(store, tenant, user))


def shown(store: Store, tenant: str, user: str) -> list[dict[str, Any]]:
    """How a user stands to every purpose, and why."""
    settings, day = tenants_of(store).settings(tenant), today(store, tenant)
    person = person_of(store, tenant, user)
    child = is_child(person, settings, day)
    standing = standings(store).of(store, tenant)
    said = {row["purpose"] for row in history(store, tenant, user)}
    found = []
    for purpose in PURPOSES:
        if user in standing.restricted:
            because = "the use of their data is restricted"
        elif purpose != "analytics" and not standing.rules["analytics"].may(user):
            because = "analytics is not allowed, and nothing is without it"
        elif child:
            limit = consent_age(settings, person.country if person else "")
            because = f"below {limit}: a guardian decides" + ("" if purpose in said else ", and has not")
        else:
            because = "they have decided" if purpose in said else _usual(holds(settings, purpose))
        found.append({"purpose": purpose, "allowed": standing.may_use(user, purpose), "because": because})
    return found


def _usual(allowed: bool) -> str:
    return "allowed until they decide otherwise" if allowed else "not allowed until they consent"


def _write(store: Store, tenant: str, rows: list[dict[str, Any]]) -> None:
    known = standings(store)
    known.records.decide(tenant, rows)
    known.forget()
    # what is watched live is asked anew at once
    store.changes.changed(tenant)
    # nobody may see them from here on; they go at once besides
    gone = {row["user"] for row in rows if row["purpose"] == "text" and not row["given"]}
    if everywhere := {same for user in gone for same in same_person(store, tenant, user)}:
        message_texts.remove(store.engine, tenant, sorted(everywhere))
