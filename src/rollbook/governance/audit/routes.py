"""The routes of the audit trail: its lines, who saw a learner's data, counts, signed heads, and whether it is whole."""

from dataclasses import asdict
from datetime import date, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import AwareDatetime, BaseModel, Field

from rollbook.errors import Forbidden
from rollbook.governance.audit.checking import Checking, Place, newest
from rollbook.governance.audit.heads import plain
from rollbook.governance.audit.line import Action
from rollbook.governance.audit.reading import FORGOTTEN, Reading, Wanted
from rollbook.governance.audit.trail import Trail
from rollbook.governance.granted import Granted, Tenant
from rollbook.governance.people import same_person
from rollbook.governance.pseudonyms import known_as, pseudonyms_of
from rollbook.store import Store
from rollbook.store.records.audit import AuditRecords

router = APIRouter(prefix="/api/v2/audit", tags=["audit"])

MOST_HEADS = 100_000

Begin = Annotated[AwareDatetime | None, Query(alias="from", description="Not before this moment (ISO 8601, a zone).")]
Until = Annotated[AwareDatetime | None, Query(alias="to", description="Not after this moment.")]
Limit = Annotated[int, Query(ge=1, le=10_000, description="At most so many.")]
Who = f"`{FORGOTTEN}` after an erasure; null: nobody."


class AuditLine(BaseModel):
    """One line of the trail."""

    tenant: str
    chain: str = Field(description="Which writer's chain it stands in.")
    number: int
    at: datetime
    action: str
    what: str = Field(description="The route, question or record.")
    actor: str | None = Field(description=f"Who. {Who}")
    credential: str = Field(description="What they showed; of a token only that it was one.")
    person: str | None = Field(description=f"Whose data, as stored. {Who}")
    address: str | None = Field(description=f"From where. {Who}")
    why: str
    detail: dict[str, Any]
    received: datetime | None = Field(description="Of an ingest line: the stamp of its events.")
    recovered: bool = Field(description="Found again from the events after a crash.")


class AuditLines(BaseModel):
    """Lines, newest first."""

    lines: list[AuditLine]


class Disclosure(AuditLine):
    """Somebody saw a learner's data."""

    named: bool = Field(
        description="The line names the learner; else an export or list of everyone, in which they may be."
    )


class Disclosures(BaseModel):
    """Who saw a learner's data, newest first."""

    disclosures: list[Disclosure]


class AuditCount(BaseModel):
    """Lines of one day, action and actor."""

    day: date
    action: str
    actor: str | None
    credential: str
    lines: int


class Refusals(BaseModel):
    """How often somebody was refused something."""

    actor: str | None
    credential: str
    what: str
    lines: int
    last: datetime
    address: str | None = Field(description="From where the last time.")


class AuditSummary(BaseModel):
    """The trail in numbers."""

    counts: list[AuditCount]
    refused: list[Refusals]


class Head(BaseModel):
    """The signed end of a chain."""

    tenant: str
    chain: str
    number: int = Field(ge=0)
    hash: str
    at: str
    key: str
    signature: str


class SignedHeads(BaseModel):
    """The newest signed heads, and the key to check them with."""

    public_key: str = Field(description="Ed25519, 32 bytes in hex.")
    key: str = Field(description="Its short name: 16 hex digits of its SHA-256.")
    heads: list[Head]


class Going(BaseModel):
    """Where to go on."""

    tenant: str
    chain: str
    number: int = Field(ge=0)


class BadLine(Going):
    """The first line that is not as it was written."""

    wrong: str


class CheckRequest(BaseModel):
    """What to check against, and where to go on."""

    heads: list[Head] = Field([], max_length=MOST_HEADS, description="Heads kept elsewhere, beside those kept here.")
    after: Going | None = Field(None, description="`next` of the answer before.")
    most_lines: int = Field(200_000, ge=1, le=2_000_000)


class Checked(BaseModel):
    """How far the trail is as it was written."""

    lines: int
    chains: int
    bad: BadLine | None = None
    next: Going | None = Field(None, description="There is more: ask again with `after` set to this.")


@router.get("", summary="Lines of the audit trail, newest first")
def list_lines(
    request: Request,
    tenant: Tenant,
    *,
    person: Annotated[str | None, Query(max_length=256, description="Whose data (a user id).")] = None,
    actor: Annotated[str | None, Query(max_length=256, description="Who (a user id, `key:…`, `local`).")] = None,
    action: Action | None = None,
    begin: Begin = None,
    until: Until = None,
    limit: Limit = 100,
) -> AuditLines:
    """Who did what, to whose data, when, from where and why."""
    store: Store = request.app.state.store
    wanted = Wanted(
        tenant, begin, until, action, actor=_stored(store, tenant, actor), person=_stored(store, tenant, person)
    )
    return AuditLines(lines=[AuditLine(**row) for row in _reading(request).lines(wanted, limit)])


@router.get("/disclosures/{user_id:path}", summary="Who saw a learner's data")
def disclosures(
    request: Request,
    grant: Granted,
    user_id: str,
    *,
    begin: Begin = None,
    until: Until = None,
    limit: Limit = 1_000,
) -> Disclosures:
    """The record of disclosures (FERPA, 34 CFR 99.32): who but themselves saw this learner's data, when and why."""
    store: Store = request.app.state.store
    user = known_as(store, grant.tenant, user_id)
    if grant.users is not None and user not in grant.users:
        raise Forbidden("you may see the disclosures of your own data, or of your wards', only")
    # lines are never rewritten: they know a user by the id and the pseudonym of their time
    same = {user_id, *same_person(store, grant.tenant, user)}
    known = {form for one in same for form in pseudonyms_of(store).forms(grant.tenant, one)} | same
    rows = _reading(request).disclosures(Wanted(grant.tenant, begin, until), sorted(known), limit)
    if grant.users is not None:
        # from where staff called is the auditors' to know
        rows = [row | {"address": None} for row in rows]
    return Disclosures(disclosures=[Disclosure(**row) for row in rows])


@router.get("/summary", summary="The audit trail in numbers")
def summary(
    request: Request, tenant: Tenant, *, begin: Begin = None, until: Until = None, limit: Limit = 1_000
) -> AuditSummary:
    """Lines by day (UTC), action and actor; and who was refused what."""
    reading, wanted = _reading(request), Wanted(tenant, begin, until)
    return AuditSummary(
        counts=[AuditCount(**row) for row in reading.counts(wanted, limit)],
        refused=[Refusals(**row) for row in reading.refusals(wanted, limit)],
    )


@router.get("/heads", summary="Signed heads of the chains")
def heads(request: Request, grant: Granted) -> SignedHeads:
    """The newest signed heads: kept elsewhere, they show later whether the end of a chain was cut off."""
    trail: Trail = request.app.state.trail
    trail.sign()
    marks = AuditRecords(request.app.state.store.records.database).marks("head", _whose(request, grant))
    shown = [Head(**plain(mark), signature=mark["signature"]) for mark in marks]
    return SignedHeads(public_key=trail.keys.public.hex(), key=trail.keys.id, heads=shown)


@router.post("/verify", summary="Check that no line is missing, altered or moved")
def verify(request: Request, grant: Granted, wanted: CheckRequest) -> Checked:
    """Check some lines against their chain and the signed heads; `next` says where to go on, `bad` what is wrong."""
    trail: Trail = request.app.state.trail
    # what this process has written is in its memory too, and cannot have been cut off unseen
    trail.sign()
    given = newest(head.model_dump() for head in wanted.heads)
    after = Place(**wanted.after.model_dump()) if wanted.after else None
    checking = Checking(request.app.state.store, trail.keys)
    found = checking.check(_whose(request, grant), given, after=after, most_lines=wanted.most_lines)
    bad = BadLine(**asdict(found.bad)) if found.bad else None
    more = Going(**asdict(found.next)) if found.next else None
    return Checked(lines=found.lines, chains=found.chains, bad=bad, next=more)


def _whose(request: Request, grant: Granted) -> str | None:
    """The caller's tenant; the operator of this machine reaches all of them (None) unless one is named."""
    everyone = grant.caller is not None and not grant.caller.tenant and "tenant_id" not in request.query_params
    return None if everyone else grant.tenant


def _stored(store: Store, tenant: str, user: str | None) -> str | None:
    """A user as stored; other names as they are."""
    return user if user is None or ":" in user else known_as(store, tenant, user)


def _reading(request: Request) -> Reading:
    return Reading(request.app.state.store, request.app.state.trail.keys)
