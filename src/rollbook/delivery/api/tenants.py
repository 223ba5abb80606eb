"""Tenants over HTTP: make them, list them, look at one and change it."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from rollbook.delivery.api.caller import OpenStore
from rollbook.delivery.api.refusals import REFUSALS, Refused
from rollbook.errors import Forbidden, Invalid, NotFound
from rollbook.governance.granted import Calling
from rollbook.governance.tenants import TenantSettings, tenants_of
from rollbook.store import Store

router = APIRouter(prefix="/api/v2", tags=["tenants"], responses=REFUSALS)

MISSING: dict[int | str, dict[str, Any]] = {404: {"model": Refused, "description": "No such tenant."}}

Name = Annotated[str, Field(max_length=256, description="What people call it.")]
Zone = Annotated[str | None, Field(description="Zone of its calendar days, as Europe/London; null: the default.")]


class Listed(BaseModel):
    """A tenant in a list."""

    id: str
    name: str
    timezone: str = Field(description="Zone of its calendar days.")
    created: datetime


class TenantAnswer(Listed):
    """A tenant and its settings."""

    settings: TenantSettings = Field(description="All of them, defaults too.")
    set: list[str] = Field(description="Which of them are set; the others follow the defaults.")


class NewTenant(BaseModel):
    """A tenant to make. Its user ids become pseudonyms, unless the setting `pseudonyms` is false."""

    model_config = ConfigDict(extra="forbid")

    id: str = Field(description="1 to 64 letters, digits, dots, dashes and underscores.")
    name: Name = ""
    timezone: Zone = None
    settings: dict[str, Any] = Field({}, description="Settings that are not to have their defaults.")


class TenantChange(BaseModel):
    """What to change of a tenant; what is not named stays."""

    model_config = ConfigDict(extra="forbid")

    name: Name | None = None
    timezone: Zone = None
    settings: dict[str, Any] = Field({}, description="Settings by name; null takes one back to its default.")


def named_tenant(caller: Calling, tenant: str) -> str:
    """The tenant of the address. Raises Forbidden for another than the caller's."""
    if not caller.may_name(tenant):
        raise Forbidden(f"this key or token is of tenant {caller.tenant!r}, not of {tenant!r}")
    return tenant


Named = Annotated[str, Depends(named_tenant)]


@router.get("/tenants", summary="All tenants")
def list_tenants(store: OpenStore) -> dict[str, list[Listed]]:
    """Every tenant that has a record, by id; nothing of their people."""
    return {"tenants": [_listed(store, row) for row in store.records.tenants()]}


@router.post(
    "/tenants",
    summary="Make a tenant",
    status_code=201,
    responses={409: {"model": Refused, "description": "There is one of that id."}},
)
def make_tenant(store: OpenStore, wanted: NewTenant) -> TenantAnswer:
    """A new tenant with its settings."""
    tenants_of(store).create(wanted.id, wanted.name, timezone=wanted.timezone, **_settings(wanted.settings))
    return _shown(store, wanted.id)


@router.get("/tenants/{tenant}", summary="One tenant and its settings", responses=MISSING)
def show_tenant(store: OpenStore, tenant: Named) -> TenantAnswer:
    """What is set for a tenant."""
    return _shown(store, tenant)


@router.patch(
    "/tenants/{tenant}",
    summary="Change a tenant",
    responses=MISSING | {409: {"model": Refused, "description": "Not possible once there are events."}},
)
def change_tenant(store: OpenStore, tenant: Named, wanted: TenantChange) -> TenantAnswer:
    """Change its name, its zone or some settings; in force within a second, in this process at once."""
    _shown(store, tenant)
    if wanted.settings:
        tenants_of(store).change(tenant, **_settings(wanted.settings))
    if "timezone" in wanted.model_fields_set:
        store.set_timezone(tenant, wanted.timezone)
    if wanted.name is not None:
        store.records.put_tenant(tenant, wanted.name)
    return _shown(store, tenant)


def _settings(wanted: dict[str, Any]) -> dict[str, Any]:
    """The settings, if there are such. Raises Invalid."""
    unknown = sorted(wanted.keys() - TenantSettings.model_fields.keys())
    if unknown:
        known = ", ".join(TenantSettings.model_fields)
        raise Invalid(f"there is no setting {unknown[0]!r} of a tenant; there are: {known}")
    return wanted


def _shown(store: Store, tenant: str) -> TenantAnswer:
    row = store.records.tenant(tenant)
    if row is None:
        raise NotFound(f"there is no tenant {tenant!r}")
    settings = tenants_of(store).settings(tenant)
    return TenantAnswer(**_listed(store, row).model_dump(), settings=settings, set=sorted(settings.model_fields_set))


def _listed(store: Store, row: dict[str, Any]) -> Listed:
    return Listed(id=row["id"], name=row["name"], timezone=store.zone_of(row["id"]), created=row["created"])
