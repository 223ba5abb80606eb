"""The lifecycle over HTTP: expiry, archives and their return, legal holds, and the report of what is held."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from datetime import date, datetime
from typing import Annotated, Any, Literal

import anyio.to_thread
from fastapi import APIRouter, FastAPI, Query, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from rollbook.delivery.api.caller import OpenStore
from rollbook.delivery.api.refusals import REFUSALS, Refused
from rollbook.errors import Forbidden
from rollbook.governance.granted import Calling, Granted, Tenant
from rollbook.governance.grants import Grant
from rollbook.governance.lifecycle import Expiry, archives, compliance, holds
from rollbook.governance.lifecycle.runs import Range, Run, Runs

NONE: dict[int | str, dict[str, Any]] = {404: {"model": Refused, "description": "No such thing in this tenant."}}
BUSY: dict[int | str, dict[str, Any]] = {409: {"model": Refused, "description": "Another one runs."}}


class RunWanted(BaseModel):
    """What to let go."""

    dry_run: bool = Field(True, description="Only say what would go.")
    only: Annotated[str, Field(max_length=256)] | None = Field(None, description="One tenant; default: all.")


class Gone(BaseModel):
    """What went of one tenant, or would."""

    tenant: str
    events: int = Field(description="Raw events archived and deleted.")
    days: list[date]
    rollup_days: list[date] = Field(description="Days whose rollups were deleted.")
    archives: list[str] = Field(description="Archives that were deleted.")
    held_days: list[date] = Field(description="Days that are due, and held.")
    anonymised_days: list[date] = Field(description="Days whose events were unlinked from their users.")
    failed: str = Field(description="Why it ended early, which is tried again within the hour; else empty.")


class ArchiveAnswer(BaseModel):
    """One archive."""

    tenant: str
    id: str
    state: str
    first: date
    last: date
    rows: int
    bytes: int
    restored_days: int = Field(description="Days whose events are back.")
    created: datetime
    last_received: datetime | None
    place: str


class RestoreWanted(BaseModel):
    """What to bring back."""

    begin: date | None = Field(None, alias="from", description="First day; default: the first there is.")
    until: date | None = Field(None, alias="to", description="Last day, included; default: the last there is.")
    into: Annotated[str, Field(min_length=1, max_length=256)] | None = Field(
        None, description="Copy into this tenant; default: back into their own."
    )


class RestoreState(BaseModel):
    """How far a restore is."""

    id: str
    state: Literal["running", "finished", "failed"]
    events: int = Field(description="Events that are done.")
    total_events: int
    label: str = Field(description="The archive that is read.")
    detail: str = Field(description="At the end: what it did, or what failed.")
    status: int = Field(description="The HTTP status of what failed; 200 until then.")
    summary: dict[str, Any] | None


class HoldWanted(BaseModel):
    """What to hold, and why."""

    user_id: Annotated[str, Field(max_length=256)] = Field("", description="One person; default: all of the tenant.")
    why: Annotated[str, Field(min_length=1, max_length=1000)]


class HoldAnswer(BaseModel):
    """A legal hold."""

    id: str
    tenant: str
    user_id: str = Field(description="As stored; empty: all of the tenant.")
    why: str
    placed_by: str
    placed: datetime
    lifted_by: str
    lifted: datetime | None


@asynccontextmanager
async def _restoring(app: FastAPI) -> AsyncIterator[None]:
    """Restores end before the store is closed."""
    app.state.restores = Runs()
    try:
        yield
    finally:
        await anyio.to_thread.run_sync(app.state.restores.close)


router = APIRouter(prefix="/api/v2", tags=["lifecycle"], lifespan=_restoring, responses=REFUSALS)


@router.post("/lifecycle/run", summary="Let go what is due")
def run(store: OpenStore, wanted: RunWanted) -> dict[str, list[Gone]]:
    """Archive and delete what is old enough, now rather than within the hour; or say what would go."""
    found = Expiry(store).run(of=wanted.only, dry=wanted.dry_run)
    return {"gone": [Gone(**asdict(one)) for one in found]}


@router.get("/archives", summary="The archives of a tenant")
def list_archives(store: OpenStore, tenant: Tenant) -> dict[str, list[ArchiveAnswer]]:
    """All of them, the oldest first."""
    return {"archives": [ArchiveAnswer(**asdict(one)) for one in archives.listed(store, tenant)]}


@router.post("/archives/restore", summary="Bring archived events back", responses=BUSY)
def restore(request: Request, store: OpenStore, caller: Calling, tenant: Tenant, wanted: RestoreWanted) -> RestoreState:
    """Begin a restore; it goes on after this answers."""
    if wanted.into is not None and not caller.may_name(wanted.into):
        raise Forbidden(f"this key or token is of tenant {caller.tenant!r}, not of {wanted.into!r}")
    chosen = Range(tenant=tenant, begin=wanted.begin, until=wanted.until, into=wanted.into)
    runs: Runs = request.app.state.restores
    return _shown(runs.start(store, request.app.state.intake.load, chosen))


@router.get("/archives/restores/{key}", summary="How far a restore is", responses=NONE)
def show_restore(request: Request, tenant: Tenant, key: str) -> RestoreState:
    """How far it is, and what it did in the end."""
    runs: Runs = request.app.state.restores
    return _shown(runs.found(key, tenant))


@router.post("/archives/restores/{key}/stop", summary="Stop a restore", responses=NONE)
def stop_restore(request: Request, tenant: Tenant, key: str) -> RestoreState:
    """End it after the block that it is at; days that are not whole do not come back."""
    runs: Runs = request.app.state.restores
    found = runs.found(key, tenant)
    found.stopping.set()
    return _shown(found)


@router.get("/holds", summary="Legal holds")
def list_holds(
    store: OpenStore,
    grant: Granted,
    lifted: Annotated[bool, Query(description="Those too that stand no more.")] = False,
) -> dict[str, list[HoldAnswer]]:
    """What is held, and why."""
    found = holds.listed(store, _staff(grant).tenant, lifted=lifted)
    return {"holds": [_hold(one) for one in found]}


@router.post("/holds", summary="Hold a person's or a tenant's data", status_code=201)
def place_hold(store: OpenStore, grant: Granted, wanted: HoldWanted) -> HoldAnswer:
    """From now on it neither expires nor is erased."""
    tenant = _staff(grant).tenant
    return _hold(holds.place(store, tenant, wanted.user_id, wanted.why, _who(grant)))


@router.post("/holds/{hold}/lift", summary="Lift a hold", responses=NONE)
def lift_hold(store: OpenStore, grant: Granted, hold: str) -> dict[str, str]:
    """What is due goes with the next run."""
    holds.lift(store, _staff(grant).tenant, hold, _who(grant))
    return {"lifted": hold}


@router.get("/compliance", summary="What is held, how old, on what basis, and who looked")
def compliance_report(
    store: OpenStore, grant: Granted, format: Annotated[Literal["json", "markdown"], Query()] = "json"
) -> Response:
    """A report that names nobody."""
    found = compliance.report(store, _staff(grant).tenant)
    if format == "markdown":
        return Response(compliance.markdown(found), media_type="text/markdown; charset=utf-8")
    return Response(found.model_dump_json(), media_type="application/json")


def _staff(grant: Grant) -> Grant:
    """The grant of somebody who may see all of the tenant. Raises Forbidden."""
    if grant.users is not None:
        raise Forbidden("only a privacy officer or an admin of the tenant may do this")
    return grant


def _who(grant: Grant) -> str:
    caller = grant.caller
    return (caller.subject or caller.credential) if caller else ""


def _hold(hold: holds.Hold) -> HoldAnswer:
    row = asdict(hold)
    return HoldAnswer(user_id=row.pop("user"), **row)


def _shown(found: Run) -> RestoreState:
    return RestoreState(
        id=found.id,
        state=found.state,
        events=found.done,
        total_events=found.total,
        label=found.label,
        detail=found.detail,
        status=found.status,
        summary=asdict(found.summary) if found.summary else None,
    )
