"""Health: whether Rollbook is ready to take events and to answer."""

from typing import Literal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from rollbook.store import readiness

router = APIRouter(tags=["health"])

Status = Literal["ok", "degraded", "unavailable"]


class Health(BaseModel):
    """How it is."""

    status: Status = Field(description="`degraded`: questions are answered, but events are refused at the moment.")
    version: str
    checks: dict[str, str] = Field(description="Each part: `ok`, or what is wrong with it.")


@router.get("/health", responses={503: {"model": Health, "description": "Not ready."}})
def health(request: Request, response: Response) -> Health:
    """200 when it is ready, 503 otherwise.

    While events are refused (a full disk) it stays 200, and says `degraded`: only a request that comes through shows
    that they can be taken again, and questions are answered all the while. Where events are published through Redis,
    `redis` says whether it answers; neither events nor questions wait for it.
    """
    found = looked_at(request)
    if found.status == "unavailable":
        response.status_code = 503
    return found


def looked_at(request: Request) -> Health:
    """How everything is that this process uses."""
    store, version = getattr(request.app.state, "store", None), request.app.version
    if store is None:
        return Health(status="unavailable", version=version, checks={"store": "not open yet"})
    checks = readiness.check(store)
    ready = all(state == "ok" for state in checks.values())
    publisher = getattr(request.app.state, "publisher", None)
    if publisher is not None:
        checks["redis"] = publisher.state()
    status: Status = "unavailable" if not ready else "degraded" if store.trouble else "ok"
    return Health(status=status, version=version, checks=checks | {"ingest": store.trouble or "ok"})
