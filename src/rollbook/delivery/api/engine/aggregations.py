"""Saved aggregations of streams over HTTP: their definitions, and what their windows have come to."""

from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from rollbook.analyses.metrics.aggregation import StreamAggregation, StreamState, states
from rollbook.delivery.api.caller import AsOf, OpenStore
from rollbook.delivery.api.refusals import REFUSALS, Refused
from rollbook.errors import Invalid, NotFound
from rollbook.governance.granted import Granted, Tenant
from rollbook.store import Store

router = APIRouter(prefix="/api/v2", tags=["document 5: analytics engine"], responses=REFUSALS)

NONE: dict[int | str, dict[str, Any]] = {404: {"model": Refused, "description": "No such aggregation in this tenant."}}
TAKEN: dict[int | str, dict[str, Any]] = {409: {"model": Refused, "description": "The id is taken."}}


class States(BaseModel):
    """What an aggregation has come to."""

    aggregation: StreamAggregation
    states: list[StreamState] = Field(description="Its windows that are kept, in order of their beginnings.")


@router.get("/aggregations", summary="The saved aggregations of a tenant")
def list_aggregations(store: OpenStore, tenant: Tenant) -> dict[str, list[StreamAggregation]]:
    """All of them, by id."""
    found = store.records.aggregations.listed(tenant)
    return {"aggregations": [StreamAggregation.model_validate(row["definition"]) for row in found]}


@router.post("/aggregations", summary="Save an aggregation", status_code=201, responses=TAKEN)
def add_aggregation(store: OpenStore, grant: Granted, wanted: StreamAggregation) -> StreamAggregation:
    """From now on its windows can be read, those of the time before it was saved too."""
    caller = grant.caller
    store.records.aggregations.add(
        {
            "tenant": grant.tenant,
            "id": wanted.aggregation_id,
            "definition": wanted.model_dump(mode="json"),
            "created": datetime.now(UTC),
            "created_by": (caller.subject or caller.credential) if caller else "",
        }
    )
    return wanted


@router.get("/aggregations/{aggregation_id}", summary="A saved aggregation", responses=NONE)
def show_aggregation(store: OpenStore, tenant: Tenant, aggregation_id: str) -> StreamAggregation:
    """Its definition."""
    return _found(store, tenant, aggregation_id)


@router.put("/aggregations/{aggregation_id}", summary="Change a saved aggregation", responses=NONE)
def change_aggregation(
    store: OpenStore, tenant: Tenant, aggregation_id: str, wanted: StreamAggregation
) -> StreamAggregation:
    """Its windows follow the new definition at once, also those that have ended."""
    if "aggregation_id" in wanted.model_fields_set and wanted.aggregation_id != aggregation_id:
        raise Invalid(f"aggregation_id is {wanted.aggregation_id!r}, but the address says {aggregation_id!r}")
    named = wanted.model_copy(update={"aggregation_id": aggregation_id})
    if not store.records.aggregations.change(tenant, aggregation_id, named.model_dump(mode="json")):
        raise _none(aggregation_id)
    return named


@router.delete("/aggregations/{aggregation_id}", summary="Remove a saved aggregation", status_code=204, responses=NONE)
def remove_aggregation(store: OpenStore, tenant: Tenant, aggregation_id: str) -> Response:
    """Its events stay."""
    if not store.records.aggregations.remove(tenant, aggregation_id):
        raise _none(aggregation_id)
    return Response(status_code=204)


@router.get("/aggregations/{aggregation_id}/state", summary="What an aggregation has come to", responses=NONE)
def aggregation_state(store: OpenStore, grant: Granted, aggregation_id: str, as_of: AsOf = None) -> States:
    """The state of each window that is kept, with every event that was acknowledged before."""
    found = _found(store, grant.tenant, aggregation_id)
    return States(aggregation=found, states=states(store, found, grant, as_of))


def _found(store: Store, tenant: str, aggregation: str) -> StreamAggregation:
    row = store.records.aggregations.find(tenant, aggregation)
    if row is None:
        raise _none(aggregation)
    return StreamAggregation.model_validate(row["definition"])


def _none(aggregation: str) -> NotFound:
    return NotFound(f"there is no aggregation {aggregation!r}; GET /api/v2/aggregations lists those there are")
