"""Document 4, the Analytics Service: daily active users, the events as a file, a health check."""

from datetime import UTC, date, datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field
from starlette.responses import StreamingResponse

from rollbook.analyses.active_users import ActiveUsers
from rollbook.analyses.ask import ask
from rollbook.analyses.question import aware
from rollbook.delivery.api import health
from rollbook.delivery.api.caller import FIRST_YEAR, LAST_YEAR, OpenStore
from rollbook.delivery.api.downloads import FILE, download
from rollbook.delivery.api.refusals import REFUSALS
from rollbook.delivery.api.span import moment, span
from rollbook.delivery.exports import Format, Wanted, export
from rollbook.governance.granted import Granted
from rollbook.store import Scope

router = APIRouter(prefix="/api/analytics", tags=["document 4: analytics service"])

# EVENT_RETENTION_DAYS of document 4: what it would still have
DEFAULT_DAYS = 90

Day = Annotated[
    date | None,
    Query(
        alias="date", ge=date(FIRST_YEAR, 1, 1), le=date(LAST_YEAR, 12, 31), description="Calendar day; default: today."
    ),
]
Edge = Annotated[str | None, Query(description="ISO 8601; a day alone is the whole of it, in the tenant's zone.")]
Chosen = Annotated[list[str] | None, Query(max_length=100, description="Only these; may be repeated.")]


class DailyActiveUsers(BaseModel):
    """How many users were active on a day."""

    dau: int = Field(description="Distinct users with an event on the day.")
    date: date
    period: Literal["24h"] = "24h"


@router.get("/reports/dau", responses=REFUSALS)
def dau(store: OpenStore, grant: Granted, day: Day = None) -> DailyActiveUsers:
    """Daily active users of a calendar day in the tenant's zone; of today, as far as it has come."""
    as_of = moment(day.isoformat(), "end", store.zone_of(grant.tenant)) if day else None
    found = ask(store, ActiveUsers(days=1, as_of=as_of), grant).only()
    return DailyActiveUsers(dau=found.dau, date=found.day)


@router.get("/reports/events", response_class=StreamingResponse, responses=REFUSALS | FILE)
def events(
    store: OpenStore,
    grant: Granted,
    *,
    format: Annotated[Format, Query(description="excel is xlsx.")] = "csv",
    start: Edge = None,
    end: Edge = None,
    type: Chosen = None,
    user_id: Chosen = None,
) -> StreamingResponse:
    """The events as a file, in order of time; by default those of the last 90 days (`X-Rollbook-Range` says which).

    Excel holds 1,048,576 rows: where that cuts, `X-Rollbook-Truncated` and a sheet named Note say so.
    """
    zone = store.zone_of(grant.tenant)
    begin, until = span(start, end, now=aware(datetime.now(UTC)), zone=zone, days=DEFAULT_DAYS)
    users = tuple(user_id) if user_id else None
    wanted = Wanted(Scope(grant.tenant, until, begin, zone, users), tuple(type or ()), grant=grant)
    return download(export(store, wanted, format))


@router.get("/healthz", responses={503: {"model": health.Health, "description": "Not ready."}})
def healthz(request: Request, response: Response) -> health.Health:
    """The same as /health."""
    return health.health(request, response)
