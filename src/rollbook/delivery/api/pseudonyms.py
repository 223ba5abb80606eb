"""Pseudonyms over HTTP: destroy what leads back from them."""

from dataclasses import asdict

from fastapi import APIRouter
from pydantic import BaseModel, Field

from rollbook.delivery.api.caller import OpenStore
from rollbook.delivery.api.refusals import REFUSALS, Refused
from rollbook.delivery.api.tenants import Named
from rollbook.governance.pseudonyms.unlinking import unlink

router = APIRouter(prefix="/api/v2", tags=["tenants"], responses=REFUSALS)


class UnlinkAnswer(BaseModel):
    """What was destroyed."""

    keys: int = Field(description="Keys of pseudonyms and of dead letters.")
    names: int = Field(description="Entries of the directory.")
    dead_letters: int
    records: str = Field(description="What became of the freed space in the records.")


@router.post(
    "/tenants/{tenant}/unlink",
    summary="Unlink a tenant's pseudonyms from people for good",
    responses={409: {"model": Refused, "description": "The tenant keeps user ids as they are given."}},
)
def unlink_tenant(store: OpenStore, tenant: Named) -> UnlinkAnswer:
    """Destroy the keys, the directory and the dead letters. This is not anonymisation, and cannot be undone."""
    return UnlinkAnswer(**asdict(unlink(store, tenant)))
