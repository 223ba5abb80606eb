"""The live routes: a WebSocket for both ways, server-sent events for one."""

import asyncio
import base64
import binascii
import contextlib
import json
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, WebSocket
from pydantic import BaseModel, ConfigDict, Field
from starlette.datastructures import QueryParams
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send
from starlette.websockets import WebSocketDisconnect

from rollbook.delivery.api.ask import OF_REQUEST, given
from rollbook.delivery.api.caller import OpenStore
from rollbook.delivery.api.refusals import REFUSALS
from rollbook.delivery.live.clients import TRY_AGAIN, Client, Waiting
from rollbook.delivery.live.desk import Desk
from rollbook.delivery.live.messages import (
    LONGEST_MESSAGE,
    Ping,
    Subscribe,
    Unsubscribe,
    id_of,
    said,
    subscribed,
    told,
    wrong,
)
from rollbook.delivery.live.subscribing import Place, subscribe
from rollbook.errors import Invalid, RollbookError, Unavailable
from rollbook.governance.granted import Granted

router = APIRouter(prefix="/api/v2/live", tags=["live"])

# what a message may take to leave; after it the connection is cut
SEND_SECONDS = 10.0
MOST_WISHES = 20

EVENT_STREAM = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    # proxies would hold back what should be live
    (b"x-accel-buffering", b"no"),
]


@router.websocket("")
async def live(socket: WebSocket) -> None:
    """Watch questions, events and the overview; `docs/guides/live.md` says what is sent."""
    await socket.accept()
    grant = socket.scope.get("state", {}).get("grant")
    try:
        place = _place(socket.app, Client(grant), socket.scope)
        place.desk.enter(place.client)
    except Unavailable as error:
        await socket.send_bytes(wrong(error))
        await socket.close(TRY_AGAIN)
        return
    listening = asyncio.create_task(_listen(socket, place))
    listening.add_done_callback(lambda _: place.client.leave())
    try:
        await _speak(socket, place.client)
    finally:
        listening.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await listening
        place.desk.leave(place.client)


async def _listen(socket: WebSocket, place: Place) -> None:
    """Do what the client says, until it leaves."""
    while True:
        message = await socket.receive()
        if message["type"] == "websocket.disconnect":
            return
        text = message.get("text") or message.get("bytes") or b""
        try:
            await _heed(place, text)
        except RollbookError as error:
            place.client.put(wrong(error, id_of(text) if len(text) <= LONGEST_MESSAGE else None))


async def _heed(place: Place, text: str | bytes) -> None:
    match said(text):
        case Ping():
            place.client.put(told("pong"))
        case Unsubscribe(id=id):
            place.desk.unsubscribe(place.client, id)
            place.client.put(told("unsubscribed", id))
        case Subscribe() as wish:
            await subscribe(place, wish)


async def _speak(socket: WebSocket, client: Client) -> None:
    """Send what waits, until the client leaves or is dropped."""
    try:
        while (message := await client.next()) is not None:
            async with asyncio.timeout(SEND_SECONDS):
                await socket.send_text(message.body().decode())
                client.sent(message)
                if message.closes is not None:
                    await socket.close(message.closes)
                    return
    except (TimeoutError, WebSocketDisconnect, RuntimeError, OSError):
        return


class Watched(BaseModel):
    """What an address asks to watch."""

    model_config = ConfigDict(extra="ignore")

    subscribe: list[str] = Field([], description="What to watch, each as a message `subscribe` of the WebSocket.")
    question: str = Field("", description="Or one question; its parameters as when it is asked.")
    overview: bool = Field(False, description="Or the overview page's data; `days` as there.")
    types: str = Field("", description="Or single events: only of these types, comma-separated.")
    courses: str = Field("", description="Only in these courses.")
    users: str = Field("", description="Only of these users.")
    last_event_id: str = Field("", description="Where to go on, for who cannot send `Last-Event-ID`.")


OF_STREAM = OF_REQUEST | {"ticket", *Watched.model_fields}


@router.get(
    "/events",
    responses=REFUSALS | {200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}},
    response_class=Response,
    summary="A stream of server-sent events",
)
async def live_events(
    request: Request,
    _: OpenStore,
    grant: Granted,
    watched: Annotated[Watched, Query()],
) -> Response:
    """Watch questions, events or the overview; `docs/guides/live.md` says what is sent.

    The answer never ends by itself.
    """
    wishes = _wishes(
        watched, request.query_params, _positions(request.headers.get("last-event-id") or watched.last_event_id)
    )
    place = _place(request.app, Client(grant), request.scope)
    return Streaming(place, wishes)


def _wishes(watched: Watched, query: QueryParams, positions: Mapping[str, str]) -> list[Subscribe]:
    """What an address asks to watch. Raises Invalid."""
    if len(watched.subscribe) > MOST_WISHES:
        raise Invalid(f"subscribe: at most {MOST_WISHES} in one address")
    wishes = [subscribed(text) for text in watched.subscribe] or [_wish(watched, query)]
    if len({wish.id for wish in wishes}) < len(wishes):
        raise Invalid("subscribe: each needs an id of its own")
    return [
        wish.model_copy(update={"resume": positions[wish.id]}) if wish.events and wish.id in positions else wish
        for wish in wishes
    ]


def _wish(watched: Watched, query: QueryParams) -> Subscribe:
    """The one thing that is watched without `subscribe`; parameters that are not the stream's are its own."""
    own = {name: value for name, value in given(query).items() if name not in OF_STREAM}
    if watched.question:
        return subscribed({"id": "1", "question": watched.question, "parameters": own | _shared(query)})
    if watched.overview:
        return subscribed({"id": "1", "overview": own})
    names = {name: [one for one in getattr(watched, name).split(",") if one] for name in ("types", "courses", "users")}
    return subscribed({"id": "1", "events": names})


def _shared(query: QueryParams) -> dict[str, str]:
    """Parameters that a question may have under a name of an event stream's."""
    return {name: query[name] for name in ("types", "courses", "users") if name in query}


def _positions(text: str) -> dict[str, str]:
    """The tokens of a stream's last event, by the id of their subscription. Raises Invalid."""
    if not text:
        return {}
    try:
        found = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (binascii.Error, ValueError) as error:
        raise Invalid("Last-Event-ID: this is no id of a live stream; leave it out") from error
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        raise Invalid("Last-Event-ID: this is no id of a live stream; leave it out")
    return found


class Streaming(Response):
    """A stream of server-sent events. What is refused is refused before its first byte, with its status."""

    def __init__(self, place: Place, wishes: list[Subscribe]) -> None:
        super().__init__()
        self._place, self._wishes = place, wishes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Stream until the client leaves or is dropped."""
        place = self._place
        place.desk.enter(place.client)
        try:
            for wish in self._wishes:
                await subscribe(place, wish)
            await send({"type": "http.response.start", "status": 200, "headers": [*EVENT_STREAM]})
            await self._stream(place.client, receive, send)
        finally:
            place.desk.leave(place.client)

    async def _stream(self, client: Client, receive: Receive, send: Send) -> None:
        leaving = asyncio.create_task(_left(receive))
        leaving.add_done_callback(lambda _: client.leave())
        try:
            while (message := await client.next()) is not None:
                client.sent(message)
                async with asyncio.timeout(SEND_SECONDS):
                    await send(_chunk(_lines(message, client), more=message.closes is None))
                if message.closes is not None:
                    return
        except (TimeoutError, OSError):
            return
        finally:
            leaving.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await leaving


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _lines(message: Waiting, client: Client) -> bytes:
    """A message as an event of the stream; its id says where each subscription to events stands."""
    body = message.body()
    kind = body.split(b'"', 4)[3]
    resume = client.resume()
    id = base64.urlsafe_b64encode(json.dumps(resume).encode()).rstrip(b"=") if resume else b""
    return b"".join([b"id: " + id + b"\n" if id else b"", b"event: " + kind, b"\ndata: ", body, b"\n\n"])


def _chunk(body: bytes, *, more: bool) -> Message:
    return {"type": "http.response.body", "body": body, "more_body": more}


def _place(app: Any, client: Client, scope: Scope) -> Place:
    desk: Desk | None = getattr(app.state, "desk", None)
    if desk is None:
        raise Unavailable("Rollbook is not ready yet; come again in a moment")
    return Place(app.state.store, app.state.guards, desk, client, scope)
