"""Document 5's health: the same as /health, component by component."""

from datetime import UTC, datetime
from typing import Literal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from rollbook.delivery.api.health import Status, looked_at

router = APIRouter(prefix="/api/v2/health", tags=["document 5: analytics engine"])

State = Literal["healthy", "degraded", "unhealthy"]
WORDS: dict[Status, State] = {"ok": "healthy", "degraded": "degraded", "unavailable": "unhealthy"}
# what everything needs; others may be away while events are taken and questions answered
NEEDED = ("store", "events", "records")


class Component(BaseModel):
    """One part."""

    status: State
    detail: str | None = Field(None, description="What is wrong with it.")


class EngineHealth(BaseModel):
    """How everything is."""

    status: State = Field(description="`degraded`: questions are answered, but events are refused at the moment.")
    version: str
    timestamp: datetime
    components: dict[str, Component]


@router.get("", responses={503: {"model": EngineHealth, "description": "Not ready."}})
def engine_health(request: Request, response: Response) -> EngineHealth:
    """200 when it is ready (or degraded), 503 otherwise."""
    found = looked_at(request)
    if found.status == "unavailable":
        response.status_code = 503
    return EngineHealth(
        status=WORDS[found.status],
        version=found.version,
        timestamp=datetime.now(UTC),
        components={name: _component(name, state) for name, state in found.checks.items()},
    )


def _component(name: str, state: str) -> Component:
    if state == "ok":
        return Component(status="healthy")
    return Component(status="unhealthy" if name in NEEDED else "degraded", detail=state)
