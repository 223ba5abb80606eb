"""The route that verifies: does every rollup equal the events it was made from?"""

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from rollbook.store import Store

router = APIRouter(prefix="/api/v2", tags=["ingest"])


class Verified(BaseModel):
    """What a comparison found."""

    differences: list[str] = Field(description="Where a rollup and the events disagree; empty, as it must be.")


@router.post("/verify", summary="Compare every rollup with the events")
def verify(request: Request) -> Verified:
    """Roll up what is not yet, and compare all of it with the events; reads everything, so it takes its time."""
    store: Store = request.app.state.store
    return Verified(differences=store.rollups.differences())
