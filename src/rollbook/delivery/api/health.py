"""Health: whether Rollbook is ready to take events and to answer."""

from typing import Literal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from rollbook.store import readiness

router = APIRouter(tags=["health"])


class Health(BaseModel):
    """How it is."""

    status: Literal["ok", "unavailable"]
    version: str
    checks: dict[str, str] = Field(description="Each part: `ok`, or what is wrong with it.")


@router.get("/health", responses={503: {"model": Health, "description": "Not ready."}})
def health(request: Request, response: Response) -> Health:
    """200 when events are taken and questions answered, 503 otherwise."""
    store = getattr(request.app.state, "store", None)
    checks = {"store": "not open yet"} if store is None else readiness.check(store)
    ready = all(state == "ok" for state in checks.values())
    if not ready:
        response.status_code = 503
    return Health(status="ok" if ready else "unavailable", version=request.app.version, checks=checks)
