"""The bare loop: decode, insert, sync, answer; no checks, no duplicates found, no rollups. What ingest is held against.

`python -m rollbook.bench.bare FOLDER` serves it on a free port of 127.0.0.1. It takes the same bodies at the same path,
on the same server (uvicorn with its fastest loop and parser) and engine, and commits in groups as Rollbook does.
"""

import asyncio
import contextlib
import socket
import sys
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

import clickhouse_connect
import msgspec
import pyarrow as pa
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from rollbook.bench.tables import BARE_TABLE

BACKLOG = 2048


class Event(msgspec.Struct):
    """An event as document 1 writes it."""

    event_type: str
    user_id: str
    timestamp: datetime
    event_id: str
    metadata: msgspec.Raw


Waiting = tuple[list[Event], "asyncio.Future[None]"]

_events = msgspec.json.Decoder(Event | list[Event]).decode


class Loop:
    """Requests that arrive while one insert runs go into the next."""

    def __init__(self, folder: Path) -> None:
        self._client = clickhouse_connect.get_client(interface="chdb", path=str(folder))
        self._client.command(BARE_TABLE)
        self._waiting: list[Waiting] = []
        self._arrived = asyncio.Event()

    async def take(self, request: Request) -> Response:
        """Answer once the events are on disk."""
        found = _events(await request.body())
        events = found if isinstance(found, list) else [found]
        committed = asyncio.get_running_loop().create_future()
        self._waiting.append((events, committed))
        self._arrived.set()
        await committed
        return Response(msgspec.json.encode({"ingested": len(events)}), media_type="application/json")

    async def commit(self) -> None:
        """Insert group after group, until it is cancelled."""
        with ThreadPoolExecutor(1) as writer:
            while True:
                await self._arrived.wait()
                self._arrived.clear()
                group, self._waiting = self._waiting, []
                rows = [event for events, _ in group for event in events]
                await asyncio.get_running_loop().run_in_executor(writer, self._insert, rows)
                for _, committed in group:
                    committed.set_result(None)

    def _insert(self, events: list[Event]) -> None:
        columns = {
            "tenant": ["default"] * len(events),
            "id": [event.event_id for event in events],
            "timestamp": pa.array([event.timestamp for event in events], pa.timestamp("ms", "UTC")),
            "user": [event.user_id for event in events],
            "type": [event.event_type for event in events],
            "properties": [bytes(event.metadata).decode() for event in events],
        }
        self._client.insert_arrow("bare", pa.table(columns))


def application(folder: Path) -> Starlette:
    """The loop behind one route."""

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        loop = Loop(folder)
        app.add_route("/events", loop.take, methods=["POST"])
        committing = asyncio.create_task(loop.commit())
        yield
        committing.cancel()

    return Starlette(routes=list[Route](), lifespan=lifespan)


def main() -> None:
    """Serve until SIGTERM."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(BACKLOG)
        config = uvicorn.Config(application(Path(sys.argv[1])), log_level="warning", access_log=False)
        sys.stdout.write(f"The bare loop is at http://127.0.0.1:{listener.getsockname()[1]}\n")
        sys.stdout.flush()
        uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
