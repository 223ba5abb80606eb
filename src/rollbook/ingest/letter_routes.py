"""The routes of dead letters and of the ingest counters."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field

from rollbook.errors import NotFound
from rollbook.governance.granted import Granted, Tenant
from rollbook.governance.letters import opened
from rollbook.ingest import dead_letters as letters
from rollbook.ingest.batch import Sender
from rollbook.ingest.intake import Intake
from rollbook.store import counters, dead_letters

router = APIRouter(prefix="/api/v2", tags=["ingest"])


class Letter(BaseModel):
    """A dead letter: what could not be taken, with its original bytes."""

    id: str
    received: datetime
    dialect: str
    stage: str = Field(description="The step that refused it.")
    reason: str = Field(description="One of a closed set.")
    detail: str
    index: int = Field(description="Its index in the batch.")
    body: str = Field(description="The original text, or base64 of it, as `encoding` says.")
    encoding: str = Field(description="`text`, `base64`, or `sealed`: its key was destroyed.")
    bytes: int = Field(description="How long it was; the body may have been cut.")
    replayed: datetime | None


class Count(BaseModel):
    """How many dead letters there are of one kind."""

    reason: str
    stage: str
    dialect: str
    letters: int
    replayed: int
    newest: datetime


class ReplayRequest(BaseModel):
    """Which letters to take in again: by id, or all of a reason; neither: all that were not replayed yet."""

    ids: list[str] | None = Field(None, max_length=letters.MOST_AT_ONCE)
    reason: str | None = None


class ReplayAnswer(BaseModel):
    """What a replay did."""

    replayed: int
    duplicates: int
    failed: list[dict[str, Any]]


class Counter(BaseModel):
    """Events of one outcome in one minute."""

    minute: datetime
    dialect: str
    outcome: str
    events: int


@router.get("/dead-letters", summary="Dead letters, newest first")
def list_letters(
    request: Request,
    *,
    tenant: Tenant,
    reason: str | None = None,
    replayed: bool | None = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    offset: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
) -> dict[str, list[Letter]]:
    """What could not be taken, by reason if one is given."""
    intake: Intake = request.app.state.intake
    engine = intake.store.engine
    found = dead_letters.listed(engine, tenant, reason=reason, replayed=replayed, limit=limit, offset=offset)
    return {"dead_letters": [Letter(**letters.shown(row)) for row in opened(intake.pseudonyms.sealing, tenant, found)]}


@router.get("/dead-letters/counts", summary="Dead letters counted by reason")
def count_letters(request: Request, tenant: Tenant) -> dict[str, list[Count]]:
    """How many there are by reason, stage and dialect."""
    return {"counts": [Count(**row) for row in dead_letters.counted(request.app.state.store.engine, tenant)]}


@router.get("/dead-letters/{letter_id}", summary="One dead letter")
def show_letter(request: Request, letter_id: str, tenant: Tenant) -> Letter:
    """One letter whole."""
    intake: Intake = request.app.state.intake
    found = dead_letters.found(intake.store.engine, tenant, [letter_id])
    if not found:
        raise NotFound(f"no dead letter {letter_id!r}")
    return Letter(**letters.shown(opened(intake.pseudonyms.sealing, tenant, found)[0]))


@router.post("/dead-letters/replay", summary="Take dead letters in again")
def replay_letters(request: Request, wanted: ReplayRequest, grant: Granted) -> ReplayAnswer:
    """Take them in again, for the caller's own tenant; replaying twice counts once."""
    intake: Intake = request.app.state.intake
    bound = grant.caller.tenant if grant.caller is not None else ""
    sender = Sender(bound, credential=grant.caller.credential) if grant.caller is not None and bound else None
    done = letters.replay(intake, grant.tenant, wanted.ids, wanted.reason, sender=sender)
    return ReplayAnswer(replayed=done.replayed, duplicates=done.duplicates, failed=done.failed)


@router.get("/ingest/counters", summary="Accepted, duplicate, rejected and late events by minute")
def ingest_counters(
    request: Request,
    tenant: Tenant,
    minutes: Annotated[int, Query(ge=1, le=60 * 24 * 31)] = 60,
) -> dict[str, list[Counter]]:
    """What became of the events of the last minutes."""
    intake: Intake = request.app.state.intake
    intake.tally.flush()
    now = datetime.now(UTC)
    found = counters.read(intake.store.engine, tenant, now - timedelta(minutes=minutes), now)
    return {"counters": [Counter(**row) for row in found]}
