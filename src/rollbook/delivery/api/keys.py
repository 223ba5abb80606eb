"""The routes of keys: made, listed, rotated, revoked."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field

from rollbook.delivery.api.caller import OpenStore
from rollbook.delivery.api.refusals import REFUSALS, Refused
from rollbook.governance.granted import Tenant
from rollbook.governance.keys import Keys
from rollbook.governance.sessions import Sessions

router = APIRouter(prefix="/api/v2/keys", tags=["access"])

UNKNOWN: dict[int | str, dict[str, Any]] = {404: {"model": Refused, "description": "The tenant has no such key."}}


class Key(BaseModel):
    """A key, without its secret."""

    id: str = Field(description="Its name in logs and in the audit trail.")
    role: Literal["ingest", "read", "admin"]
    name: str
    origins: list[str] = Field(description="Web pages of these origins may use it; empty: none may.")
    created: datetime
    expires: datetime | None
    revoked: datetime | None
    last_used: datetime | None = Field(description="To the hour.")
    previous_until: datetime | None = Field(description="Until when the secret before the last rotation is good.")


class ShownKey(Key):
    """A key with its secret, which is kept nowhere."""

    key: str = Field(description="What to send. It is shown this once.")


class KeyWanted(BaseModel):
    """The key to make."""

    model_config = ConfigDict(extra="forbid")

    role: Literal["ingest", "read", "admin"] = Field(
        description="ingest: send events and nothing else; read: ask and export; admin: all of the tenant."
    )
    name: str = Field("", max_length=200, description="What it is for.")
    expires_days: int | None = Field(None, ge=1, le=3660, description="Days until it expires; unset: never.")
    origins: list[str] = Field([], max_length=50, description="Web pages that may use it: https://learn.example.edu")


class Rotation(BaseModel):
    """How to rotate a key."""

    model_config = ConfigDict(extra="forbid")

    grace_hours: int | None = Field(
        None, ge=0, le=24 * 90, description="How long the old secret stays good; unset: ROLLBOOK_KEY_GRACE_HOURS."
    )


def keys_of(request: Request, _: OpenStore) -> Keys:
    """The keys of the application. Raises Unavailable before it is open."""
    keys: Keys = request.app.state.credentials.keys
    return keys


AllKeys = Annotated[Keys, Depends(keys_of)]


@router.get("", responses=REFUSALS, summary="A tenant's keys")
def list_keys(tenant: Tenant, keys: AllKeys) -> dict[str, list[Key]]:
    """All keys, revoked and expired ones too, the oldest first."""
    return {"keys": [Key(**row) for row in keys.of(tenant)]}


@router.post("", status_code=201, responses=REFUSALS | UNKNOWN, summary="Make a key")
def create_key(wanted: KeyWanted, tenant: Tenant, keys: AllKeys) -> ShownKey:
    """Make a key. The answer is the only place where it is shown."""
    expires = datetime.now(UTC) + timedelta(days=wanted.expires_days) if wanted.expires_days else None
    key, row = keys.create(tenant, wanted.role, name=wanted.name, expires=expires, origins=wanted.origins)
    return ShownKey(key=key, **row)


@router.post("/{key}/rotate", responses=REFUSALS | UNKNOWN, summary="Give a key a new secret")
def rotate_key(request: Request, key: str, tenant: Tenant, keys: AllKeys, how: Rotation | None = None) -> ShownKey:
    """Give it a new secret; the old one stays good for a while, so that its users can change over."""
    usual = request.app.state.store.settings.key_grace_hours
    hours = usual if how is None or how.grace_hours is None else how.grace_hours
    text, row = keys.rotate(tenant, key, grace=timedelta(hours=hours))
    sessions: Sessions | None = getattr(request.app.state, "sessions", None)
    if not hours and sessions is not None:
        # the old secret leaked: whoever signed in with it is signed out
        sessions.end_all(tenant, credential=f"key:{key}")
    return ShownKey(key=text, **row)


@router.delete("/{key}", responses=REFUSALS | UNKNOWN, summary="Revoke a key")
def revoke_key(key: str, tenant: Tenant, keys: AllKeys) -> Key:
    """End a key and its old secret, within a second everywhere. It stays in the list."""
    return Key(**keys.revoke(tenant, key))
