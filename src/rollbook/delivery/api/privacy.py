"""People's rights over HTTP: ask for access, rectification, erasure, restriction or objection, and see what became."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field

from rollbook.delivery.api.refusals import REFUSALS, Refused
from rollbook.errors import Unavailable
from rollbook.governance.audit import Line
from rollbook.governance.consent import Purpose
from rollbook.governance.granted import Granted
from rollbook.governance.rights import Kind, Rights, State
from rollbook.governance.rights import Request as Asked
from rollbook.governance.rights.wishes import EventCorrection, PersonCorrection
from rollbook.governance.roster.items import Id

router = APIRouter(prefix="/api/v2/privacy", tags=["privacy"], responses=REFUSALS)

Answers = dict[int | str, dict[str, Any]]

NONE: Answers = {404: {"model": Refused, "description": "No such request, or none that the caller may see."}}
TOO_LATE: Answers = {409: {"model": Refused, "description": "The request is not in the state for this."}}
ZIP: Answers = {200: {"description": "The package.", "content": {"application/zip": {"schema": {"type": "string"}}}}}


class PrivacyRequest(BaseModel):
    """What is asked for, and for whom."""

    kind: Kind = Field(description="`portability` is `access`.")
    user_id: Id = Field(description="Whom it is about; any of their ids.")
    traits: dict[str, Any] | None = Field(None, description="Rectification: traits to set; null takes one out.")
    person: PersonCorrection | None = Field(None, description="Rectification: what the roster should know.")
    events: list[EventCorrection] | None = Field(None, description="Rectification: what is right of some events.")
    on: bool | None = Field(None, description="Restriction: false lifts it.")
    purposes: list[Purpose] | None = Field(None, description="Objection: to which purposes; default: to all.")
    why: Annotated[str, Field(max_length=1000)] | None = Field(None, description="Restriction, objection: the reason.")


class RequestAnswer(BaseModel):
    """A request; nothing in it says whose it is."""

    request_id: str
    kind: str
    state: State
    asked_by: str = Field(description="`staff`, `the person`, `a guardian`.")
    received: datetime
    deadline: datetime = Field(description="By when it must be answered (ROLLBOOK_RIGHTS_DAYS).")
    begun: datetime | None
    ended: datetime | None
    why: str = Field(description="Why it was refused, or failed.")
    waits_for: str = Field(description="What it waits for, if for anything.")
    receipt: dict[str, Any] | None = Field(description="What was done where, with counts; and what stays, and why.")
    package_until: datetime | None = Field(description="How long the package can be downloaded.")


class Refusing(BaseModel):
    """Why a request is refused."""

    why: Annotated[str, Field(min_length=1, max_length=1000)]


class Readmission(BaseModel):
    """Who has come back."""

    user_id: Id


class Readmitted(BaseModel):
    """What was lifted."""

    lifted: int = Field(description="How many of their ids were barred.")


@router.post("/requests", status_code=202, summary="Ask for something about a person")
def ask(request: Request, grant: Granted, wanted: PrivacyRequest) -> RequestAnswer:
    """Keep the request and begin with it. Learners ask for themselves, guardians for wards.

    What a learner or guardian wants rectified waits until somebody of the tenant accepts it.
    """
    wishes = wanted.model_dump(mode="json", exclude_unset=True, exclude={"kind", "user_id"})
    given = {name: value for name, value in wishes.items() if value is not None}
    return _answer(_rights(request).ask(grant, wanted.kind, wanted.user_id, given))


@router.get("/requests", summary="Requests, newest first")
def list_requests(
    request: Request,
    grant: Granted,
    state: State | None = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> dict[str, list[RequestAnswer]]:
    """All requests of the tenant; a learner's own, a guardian's wards'."""
    return {"requests": [_answer(one) for one in _rights(request).listed(grant, state, limit=limit)]}


@router.get("/requests/{request_id}", summary="One request", responses=NONE)
def show_request(request: Request, grant: Granted, request_id: str) -> RequestAnswer:
    """Its state, and the receipt once it is done."""
    return _answer(_rights(request).show(grant, request_id))


@router.get("/requests/{request_id}/package", summary="The package of an access request", responses=NONE | ZIP)
def package(request: Request, grant: Granted, request_id: str) -> Response:
    """A zip with everything held, as JSON and CSV; until `package_until`."""
    found = _rights(request).package(grant, request_id)
    who = grant.caller
    if who is not None:
        line = Line(
            tenant=grant.tenant,
            action="export",
            what="privacy package",
            actor=who.subject or who.credential,
            credential=who.credential,
            person=found.person,
            address=request.client.host if request.client else "",
        )
        request.app.state.trail.note_now(line)
    named = {"Content-Disposition": f'attachment; filename="{request_id}.zip"', "Cache-Control": "no-store"}
    return Response(found.content, media_type="application/zip", headers=named)


@router.post("/requests/{request_id}/cancel", summary="Take a request back", responses=NONE | TOO_LATE)
def cancel(request: Request, grant: Granted, request_id: str) -> RequestAnswer:
    """While it was not begun."""
    return _answer(_rights(request).cancel(grant, request_id))


@router.post(
    "/requests/{request_id}/accept", summary="Let a request that waits be carried out", responses=NONE | TOO_LATE
)
def accept(request: Request, grant: Granted, request_id: str) -> RequestAnswer:
    """For those who may ask for anybody of the tenant."""
    return _answer(_rights(request).accept(grant, request_id))


@router.post("/requests/{request_id}/refuse", summary="Refuse a request", responses=NONE | TOO_LATE)
def refuse(request: Request, grant: Granted, request_id: str, reason: Refusing) -> RequestAnswer:
    """While it was not begun; the person is told why."""
    return _answer(_rights(request).refuse(grant, request_id, reason.why))


@router.post("/requests/{request_id}/retry", summary="Go on with a request that failed", responses=NONE | TOO_LATE)
def retry(request: Request, grant: Granted, request_id: str) -> RequestAnswer:
    """What was done already is not done again."""
    return _answer(_rights(request).again(grant, request_id))


@router.post("/readmissions", summary="Take events of somebody who was erased again")
def readmit(request: Request, grant: Granted, wanted: Readmission) -> Readmitted:
    """From now on; what was erased stays erased."""
    return Readmitted(lifted=_rights(request).readmit(grant, wanted.user_id))


def _rights(request: Request) -> Rights:
    rights: Rights | None = getattr(request.app.state, "rights", None)
    if rights is None:
        raise Unavailable("Rollbook is not ready yet; ask again in a moment")
    return rights


def _answer(found: Asked) -> RequestAnswer:
    return RequestAnswer.model_validate(found, from_attributes=True)
