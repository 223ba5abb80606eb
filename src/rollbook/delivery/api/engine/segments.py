"""Segments over HTTP: kept under a name, looked at, counted, deleted."""

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field

from rollbook.analyses import segments
from rollbook.analyses.ask import ask
from rollbook.analyses.question import SegmentId, aware
from rollbook.analyses.totals import Totals
from rollbook.delivery.api.caller import AsOf, OpenStore
from rollbook.delivery.api.refusals import REFUSALS, Refused
from rollbook.governance.granted import Granted

router = APIRouter(prefix="/api/v2/segments", tags=["segments"], responses=REFUSALS)

UNKNOWN: dict[int | str, dict[str, Any]] = {404: {"model": Refused, "description": "No segment of that name."}}
FULL: dict[int | str, dict[str, Any]] = {409: {"model": Refused, "description": "There are too many."}}

Id = Annotated[SegmentId, Path(description="Small letters, digits, - and _.")]


class Segments(BaseModel):
    """A tenant's segments."""

    segments: list[segments.Segment]


class Counted(BaseModel):
    """A segment, and how many people are in it."""

    segment: segments.Segment
    people: int = Field(description="As far as the caller may see them.")
    as_of: datetime


@router.get("", response_model_exclude_none=True, summary="The segments there are")
def list_segments(store: OpenStore, grant: Granted) -> Segments:
    """All of the tenant's, by name."""
    return Segments(segments=segments.listed(store, grant.tenant))


@router.get("/{segment}", response_model_exclude_none=True, responses=UNKNOWN, summary="A segment and its size")
def show_segment(store: OpenStore, grant: Granted, segment: Id, as_of: AsOf = None) -> Counted:
    """What it is, and how many people are in it now; 403 where they are too few for the caller, or all but few."""
    found = segments.kept(store, grant.tenant, segment)
    answered = ask(store, Totals(segment=segment, as_of=as_of or aware(datetime.now(UTC))), grant)
    return Counted(segment=found, people=answered.only().people, as_of=answered.as_of)


@router.put("/{segment}", response_model_exclude_none=True, responses=FULL, summary="Keep a segment")
def put_segment(store: OpenStore, grant: Granted, segment: Id, wanted: segments.Wanted) -> segments.Segment:
    """Keep it under this name, in place of what was there. Who sees a part of the tenant only changes their own."""
    return segments.put(store, grant, segment, wanted)


@router.delete("/{segment}", response_model_exclude_none=True, responses=UNKNOWN, summary="Delete a segment")
def delete_segment(store: OpenStore, grant: Granted, segment: Id) -> segments.Segment:
    """Forget it; questions that name it are refused from now on."""
    return segments.delete(store, grant, segment)
