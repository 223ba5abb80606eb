"""The routes of streams: so far the tickets that let one in."""

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from rollbook.delivery.api.caller import OpenStore
from rollbook.delivery.api.refusals import REFUSALS
from rollbook.governance.granted import Calling
from rollbook.governance.streams.tickets import GOOD_SECONDS, Tickets

router = APIRouter(prefix="/api/v2/live", tags=["live"])


class Ticket(BaseModel):
    """A ticket for one stream."""

    ticket: str = Field(description="To be sent as `?ticket=…` when the stream is opened, once.")
    expires_in: int = Field(description="Seconds that it is good for.")


@router.post("/tickets", status_code=201, responses=REFUSALS, summary="A ticket that opens one stream")
async def give_ticket(request: Request, caller: Calling, _: OpenStore) -> Ticket:
    """Browsers cannot send a key or token when they open a WebSocket or an EventSource; this stands for it, once."""
    tickets: Tickets = request.app.state.credentials.tickets
    return Ticket(ticket=await tickets.give(caller), expires_in=GOOD_SECONDS)
