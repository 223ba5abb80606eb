"""The routes of event definitions: list, show, define, remove; and what comes in that no definition names."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from rollbook.analyses.ask import ask
from rollbook.analyses.event_distribution import EventDistribution
from rollbook.analyses.quality.event_properties import EventProperties
from rollbook.delivery.api.caller import OpenStore
from rollbook.delivery.api.refusals import REFUSALS, Refused
from rollbook.governance.definitions import Definition, definitions_of
from rollbook.governance.granted import Granted, Tenant
from rollbook.governance.tenants import tenants_of

router = APIRouter(prefix="/api/v2", tags=["event definitions"], responses=REFUSALS)

MISSING: dict[int | str, dict[str, Any]] = {404: {"model": Refused, "description": "No such definition."}}
MOST_DAYS = 31


class Defined(BaseModel):
    """A definition in a list."""

    event_type: str
    description: str
    changed: datetime


class DefinitionAnswer(Defined):
    """A definition."""

    json_schema: dict[str, Any] = Field(alias="schema", description="JSON Schema of the properties.")


class Definitions(BaseModel):
    """All definitions of a tenant, and what becomes of events that break theirs."""

    event_checks: str = Field(description="`off`, `lenient` or `strict`: the tenant's setting.")
    definitions: list[Defined]


class Wanted(BaseModel):
    """What events of a type are to look like."""

    model_config = ConfigDict(extra="forbid")

    json_schema: dict[str, Any] = Field(alias="schema", description="JSON Schema of the properties, 2020-12 or before.")
    description: Annotated[str, Field(max_length=1000)] = ""


class UnknownType(BaseModel):
    """A type that came in and has no definition."""

    event_type: str
    events: int


class UnknownProperty(BaseModel):
    """A property that came in and that the definition of its type does not name."""

    event_type: str
    property: str
    events: int = Field(description="That have it, of those that were looked at.")
    share: float
    kinds: list[str]
    last: datetime | None


class Undefined(BaseModel):
    """What came in that no definition names, the most frequent first."""

    types: list[UnknownType]
    properties: list[UnknownProperty]


@router.get("/event-definitions", summary="Event definitions")
def list_definitions(store: OpenStore, tenant: Tenant) -> Definitions:
    """A tenant's definitions, by type."""
    checks = tenants_of(store).settings(tenant).event_checks
    return Definitions(event_checks=checks, definitions=[_listed(one) for one in definitions_of(store).of(tenant)])


@router.get("/event-definitions/{event_type:path}", summary="One event definition", responses=MISSING)
def show_definition(store: OpenStore, tenant: Tenant, event_type: str) -> DefinitionAnswer:
    """A definition with its schema."""
    return _shown(definitions_of(store).one(tenant, event_type))


@router.put(
    "/event-definitions/{event_type:path}",
    summary="Define an event type",
    responses={201: {"model": DefinitionAnswer, "description": "It is a new one."}},
)
def define(store: OpenStore, tenant: Tenant, event_type: str, wanted: Wanted, response: Response) -> DefinitionAnswer:
    """Define a type, or change its definition; in force at once, in other processes within a second."""
    definitions = definitions_of(store)
    if definitions.define(tenant, event_type, wanted.json_schema, wanted.description):
        response.status_code = 201
    return _shown(definitions.one(tenant, event_type))


@router.delete("/event-definitions/{event_type:path}", summary="Remove an event definition", responses=MISSING)
def remove_definition(store: OpenStore, tenant: Tenant, event_type: str) -> DefinitionAnswer:
    """Remove a definition, and answer what it was: events of the type are no longer held against anything."""
    definitions = definitions_of(store)
    gone = definitions.one(tenant, event_type)
    definitions.remove(tenant, event_type)
    return _shown(gone)


@router.get("/undefined-events", summary="Types and properties that no definition names")
def undefined_events(
    store: OpenStore, grant: Granted, days: Annotated[int, Query(ge=1, le=MOST_DAYS)] = 7
) -> Undefined:
    """What came in during the last days, held against the definitions of today.

    Properties only of types whose schema names its properties at its top, and in no other way.
    """
    compiled = definitions_of(store).compiled(grant.tenant)
    types = [
        UnknownType(event_type=row.type, events=row.events)
        for row in ask(store, EventDistribution(days=days), grant).rows
        if row.type not in compiled
    ]
    named = {type: one.names for type, one in compiled.items() if one.names is not None}
    properties = [
        UnknownProperty(event_type=row.type, **row.model_dump(exclude={"type"}))
        for row in ask(store, EventProperties(days=days), grant).rows
        if row.type in named and row.property not in named[row.type] | OURS
    ]
    return Undefined(types=types, properties=properties)


# what Rollbook adds itself
OURS = frozenset({"context"})


def _listed(one: Definition) -> Defined:
    return Defined(event_type=one.type, description=one.description, changed=one.changed)


def _shown(one: Definition) -> DefinitionAnswer:
    return DefinitionAnswer(**_listed(one).model_dump(), schema=one.schema)
