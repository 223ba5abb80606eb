"""Consents over HTTP: what people decide about the use of their data; and what they wrote to an AI."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from rollbook.delivery.api.caller import OpenStore
from rollbook.delivery.api.refusals import REFUSALS
from rollbook.errors import Forbidden, Invalid
from rollbook.governance import consent
from rollbook.governance.audit import Line
from rollbook.governance.consent import Decision
from rollbook.governance.granted import Granted, Tenant
from rollbook.governance.grants import Grant
from rollbook.governance.people import same_person
from rollbook.governance.pseudonyms import known_as
from rollbook.governance.tenants import tenants_of
from rollbook.store import Store
from rollbook.store.privacy import message_texts

router = APIRouter(prefix="/api/v2", tags=["privacy"], responses=REFUSALS)

PurposeName = Literal["analytics", "prediction", "text", "sharing"]
Text = Annotated[str, Field(max_length=2_000)]


class PurposeAnswer(BaseModel):
    """A purpose of the tenant."""

    purpose: PurposeName
    basis: str = Field(description="The lawful basis: `legitimate interests` or `consent` (GDPR Article 6).")
    holds: bool = Field(description="Whether it is allowed of those who have not decided.")
    why: str


class Purposes(BaseModel):
    """All purposes."""

    purposes: list[PurposeAnswer]


class NewDecision(BaseModel):
    """A decision."""

    model_config = ConfigDict(extra="forbid")

    purpose: PurposeName
    given: bool = Field(description="Whether the purpose is allowed from now on.")
    evidence: Text = Field("", description="Where it is written down, as `form of 2026-09-01, folder 3`.")
    policy: Text = Field("", description="The version of the notice that they were shown.")
    given_by: Literal["person", "guardian"] = Field(
        "person",
        description="Who decided, where somebody else tells: `guardian` needs evidence. Guardians who tell it "
        "themselves, and learners, need not say.",
    )


class Standing(BaseModel):
    """How a person stands to a purpose now."""

    purpose: PurposeName
    allowed: bool
    because: str


class Past(BaseModel):
    """One decision."""

    at: datetime
    purpose: str = Field(description="A purpose; `*`: any use at all (a restriction).")
    given: bool
    capacity: str = Field(description="Who decided: `person` or `guardian`.")
    kind: str = Field(description="`decision`, `objection` or `restriction`.")
    decided_by: str = Field(description="Who told Rollbook: a user as stored, or a key.")
    evidence: str
    policy: str


class ConsentsAnswer(BaseModel):
    """What a person has decided."""

    user_id: str
    current: list[Standing]
    history: list[Past] = Field(description="Every decision, the first first.")


class DirectoryInformation(BaseModel):
    """What is shown freely of a person."""

    user_id: str
    traits: dict[str, Any]


class Message(BaseModel):
    """What was said in one message."""

    event_id: str
    user_id: str = Field(description="As stored.")
    timestamp: datetime
    text: dict[str, Any] = Field(description="The properties that were taken out of the event, by name.")


class ConversationText(BaseModel):
    """What was said in a conversation."""

    conversation_id: str
    messages: list[Message]


@router.get("/purposes", summary="What people's events are used for")
def list_purposes(store: OpenStore, tenant: Tenant) -> Purposes:
    """Every purpose with its lawful basis, and whether it is allowed of those who have not decided."""
    found = consent.purposes(tenants_of(store).settings(tenant))
    return Purposes(purposes=[PurposeAnswer(purpose=p.purpose, basis=p.basis, holds=p.holds, why=p.why) for p in found])


@router.get("/consents/{user_id:path}", summary="What a person has decided")
def show_consents(user_id: str, store: OpenStore, grant: Granted) -> ConsentsAnswer:
    """How they stand to every purpose now and why, and every decision there was."""
    return _answer(store, grant.tenant, user_id, _reached(store, grant, user_id))


@router.put("/consents/{user_id:path}", summary="Decide about a purpose")
def put_consent(
    user_id: str, wanted: NewDecision, request: Request, store: OpenStore, grant: Granted
) -> ConsentsAnswer:
    """Keep a decision; from here on no answer and no event goes against it."""
    user = _reached(store, grant, user_id)
    capacity = _capacity(store, grant, user, wanted)
    by = grant.caller.subject or grant.caller.credential if grant.caller else ""
    decided = Decision(
        user=user,
        purpose=wanted.purpose,
        given=wanted.given,
        capacity=capacity,
        decided_by=by,
        evidence=wanted.evidence,
        policy=wanted.policy,
    )
    consent.decide(store, grant.tenant, decided)
    request.app.state.trail.note_now(_line(request, grant, user, wanted, capacity))
    return _answer(store, grant.tenant, user_id, user)


@router.get("/directory-information/{user_id:path}", summary="What a tenant shows of a person to anyone of its roles")
def show_directory_information(user_id: str, store: OpenStore, tenant: Tenant) -> DirectoryInformation:
    """Traits that the tenant has declared directory information (FERPA); none of those who have opted out."""
    user = known_as(store, tenant, user_id)
    return DirectoryInformation(user_id=user_id, traits=consent.directory_information(store, tenant, user))


@router.get("/conversations/{conversation_id:path}/text", summary="What was said in a conversation with an AI")
def conversation_text(
    conversation_id: str,
    store: OpenStore,
    grant: Granted,
    limit: Annotated[int, Query(ge=1, le=10_000, description="At most so many messages.")] = 1_000,
) -> ConversationText:
    """The texts that are still kept, of people who allow it; learners see their own, guardians their wards'."""
    since = datetime.now(UTC) - timedelta(days=tenants_of(store).settings(grant.tenant).text_days)
    barred: Sequence[str] = consent.left_out(store, grant.tenant, "text")
    found = message_texts.read(
        store.engine, grant.tenant, conversation_id, since, users=grant.users, left_out=barred, most=limit
    )
    return ConversationText(
        conversation_id=conversation_id,
        messages=[
            Message(
                event_id=row["event_id"],
                user_id=row["user_id"],
                timestamp=row["timestamp"],
                text=json.loads(row["text"]),
            )
            for row in found
        ],
    )


def _reached(store: Store, grant: Grant, user_id: str) -> str:
    """The stored id of somebody whom the caller reaches. Raises Forbidden, or Invalid for what no user is called."""
    if len(user_id) > store.settings.max_id_length:
        raise Invalid(f"user_id has {len(user_id)} characters; events have at most {store.settings.max_id_length}")
    user = known_as(store, grant.tenant, user_id)
    if grant.users is not None and user not in grant.users:
        raise Forbidden(f"you may not decide or see what {user_id!r} has decided")
    return user


def _capacity(store: Store, grant: Grant, user: str, wanted: NewDecision) -> Literal["person", "guardian"]:
    """In which capacity a decision is taken. Raises Invalid for a guardian's without evidence."""
    if grant.users is None or grant.caller is None:
        if wanted.given_by == "guardian" and not wanted.evidence.strip():
            raise Invalid("a guardian's decision needs evidence: where it is written down, and how they were verified")
        return wanted.given_by
    mine = grant.caller.subject
    return "person" if user == mine or user in same_person(store, grant.tenant, mine) else "guardian"


def _answer(store: Store, tenant: str, user_id: str, user: str) -> ConsentsAnswer:
    return ConsentsAnswer(
        user_id=user_id,
        current=[Standing(**one) for one in consent.shown(store, tenant, user)],
        history=[
            Past(**{name: row[name] for name in Past.model_fields}) for row in consent.history(store, tenant, user)
        ],
    )


def _line(request: Request, grant: Grant, user: str, wanted: NewDecision, capacity: str) -> Line:
    caller = grant.caller
    return Line(
        tenant=grant.tenant,
        action="consent",
        what=f"{wanted.purpose} {'given' if wanted.given else 'withdrawn'}",
        actor=(caller.subject or caller.credential) if caller else "",
        credential=caller.credential if caller else "",
        person=user,
        address=request.app.state.guards.address(request.scope),
        detail={"purpose": wanted.purpose, "given": int(wanted.given), "capacity": capacity},
    )
