"""Live: a thousand connections to one process, each watching; how long after the ack each hears of an event, and which
does not.
"""

import asyncio
import json
import time
from dataclasses import dataclass, field
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

from rollbook.bench.calls import Caller, high, middle
from rollbook.bench.processes import Server

TENANT = "bench-live"
# connections that are opened at once; more wait in the server's backlog
OPENED_AT_ONCE = 50
PATIENCE_SECONDS = 60.0
BETWEEN_SECONDS = 0.2

WATCHED: dict[str, dict[str, Any]] = {
    "events": {"events": {}},
    "a question": {"question": "totals", "parameters": {"days": 7}},
}


@dataclass(slots=True)
class Watching:
    """One run: so many clients, and for how many of the posted events each was late, by seconds after the ack."""

    clients: int
    posts: int
    seconds: list[float] = field(default_factory=list)
    missing: int = 0
    repeated: int = 0
    opened_seconds: float = 0.0
    cpu_seconds: float = 0.0
    resident_bytes: int = 0

    def milliseconds(self) -> tuple[float, float, float]:
        """Median, 99th percentile and the latest."""
        return 1000 * middle(self.seconds), 1000 * high(self.seconds), 1000 * max(self.seconds, default=0.0)


@dataclass(slots=True)
class _Heard:
    """What one client has heard: the number of an event (or of events in an answer), and when."""

    at: dict[int, float] = field(default_factory=dict)
    repeated: int = 0


def watching(server: Server, what: str, clients: int, posts: int) -> Watching:
    """Connect, post one event after the other, and wait until all have heard of all."""
    return asyncio.run(_watching(server, what, clients, posts))


async def _watching(server: Server, what: str, clients: int, posts: int) -> Watching:
    found, tenant = Watching(clients, posts), f"{TENANT}-{what.replace(' ', '-')}"
    opening, began = asyncio.Semaphore(OPENED_AT_ONCE), time.perf_counter()

    async def opened() -> ClientConnection:
        async with opening:
            # watched by the server's heartbeat; a thousand pings from here would only be load
            socket = await connect(
                f"ws://127.0.0.1:{server.port}/api/v2/live", ping_interval=None, open_timeout=PATIENCE_SECONDS
            )
        wish = {"type": "subscribe", "id": "1", "tenant_id": tenant} | WATCHED[what]
        await socket.send(json.dumps(wish))
        while json.loads(await socket.recv())["type"] != ("subscribed" if what == "events" else "answer"):
            pass
        return socket

    sockets = await asyncio.gather(*(opened() for _ in range(clients)))
    found.opened_seconds = time.perf_counter() - began
    heard = [_Heard() for _ in sockets]
    listening = [asyncio.create_task(_listen(*pair, posts)) for pair in zip(sockets, heard, strict=True)]
    used = server.cpu_seconds()
    acks = await asyncio.to_thread(_post, server, tenant, posts)
    await asyncio.wait(listening, timeout=PATIENCE_SECONDS)
    found.cpu_seconds = server.cpu_seconds() - used
    found.resident_bytes = server.resident_bytes() or 0
    for task in listening:
        task.cancel()
    await asyncio.gather(*(socket.close() for socket in sockets), *listening, return_exceptions=True)
    _count(found, heard, acks, every=what == "events")
    return found


def _post(server: Server, tenant: str, posts: int) -> list[float]:
    """When each event was acknowledged."""
    caller, acks = Caller(server), []
    for number in range(posts):
        event = {"event_id": f"e{number}", "event_type": "seen", "user_id": f"u{number}"}
        reply = caller.post(f"/api/v2/events?tenant_id={tenant}", event)
        if reply.status != 200:
            raise RuntimeError(f"an event was answered with {reply.status}")
        acks.append(time.perf_counter())
        time.sleep(BETWEEN_SECONDS)
    caller.close()
    return acks


async def _listen(socket: ClientConnection, heard: _Heard, posts: int) -> None:
    """Note what comes until the last event has."""
    async for text in socket:
        message = json.loads(text)
        if message["type"] == "event":
            number = int(message["event"]["event_id"][1:])
        elif message["type"] == "answer":
            number = message["answer"]["rows"][0]["events"] - 1
        else:
            continue
        heard.repeated += number in heard.at
        heard.at.setdefault(number, time.perf_counter())
        if len(heard.at) == posts or (message["type"] == "answer" and number == posts - 1):
            return


def _count(found: Watching, heard: list[_Heard], acks: list[float], *, every: bool) -> None:
    """Of events each must come; of answers one that holds the event, or a later one."""
    for one in heard:
        found.repeated += one.repeated
        for number, ack in enumerate(acks):
            at = [one.at[number]] if number in one.at else []
            if not every:
                at = [moment for held, moment in one.at.items() if held >= number]
            if at:
                found.seconds.append(max(0.0, min(at) - ack))
            else:
                found.missing += 1
