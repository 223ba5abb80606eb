"""Watching: a real client of the live routes, WebSocket or server-sent events, and somebody who sends events."""

import contextlib
import json
from collections.abc import Iterator
from typing import Any

import httpx
from websockets.sync.client import ClientConnection, connect

SECONDS = 60


class Watcher:
    """A WebSocket; `until` waits for a message of a kind, and keeps what came before it for later."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self._kept: list[dict[str, Any]] = []

    def say(self, **message: Any) -> None:
        """Send a message."""
        self.socket.send(json.dumps(message))

    def hear(self) -> dict[str, Any]:
        """The next message that is no heartbeat."""
        while True:
            message: dict[str, Any] = json.loads(self.socket.recv(timeout=SECONDS))
            if message["type"] != "heartbeat":
                return message

    def until(self, type: str, id: str | None = None) -> dict[str, Any]:
        """The next message of a type; fails at an error or an end that was not waited for."""

        def is_it(message: dict[str, Any]) -> bool:
            return message["type"] == type and (id is None or message.get("id") == id)

        if found := next(filter(is_it, self._kept), None):
            self._kept.remove(found)
            return found
        while not is_it(message := self.hear()):
            assert message["type"] in ("subscribed", "answer", "event"), message
            self._kept.append(message)
        return message

    def watch(self, id: str, **what: Any) -> dict[str, Any]:
        """Subscribe; the message that says so."""
        self.say(type="subscribe", id=id, **what)
        return self.until("subscribed", id)


@contextlib.contextmanager
def watching(client: httpx.Client, **headers: str) -> Iterator[Watcher]:
    """A WebSocket to the server of an HTTP client, under its tenant."""
    query = headers.pop("query", "")
    address = f"ws://{client.base_url.host}:{client.base_url.port}/api/v2/live{query}"
    shown = {name.replace("_", "-"): value for name, value in headers.items()}
    with connect(address, additional_headers=shown, max_size=None) as socket:
        yield Watcher(socket)


@contextlib.contextmanager
def streaming(client: httpx.Client, **more: Any) -> Iterator[Iterator[dict[str, Any]]]:
    """Server-sent events as messages, with `sse_id` besides; heartbeats left out."""
    with client.stream("GET", "/api/v2/live/events", timeout=SECONDS, **more) as answer:
        if answer.status_code != 200:
            answer.read()
            raise AssertionError(f"{answer.status_code}: {answer.text}")
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.headers["cache-control"] == "no-store"
        yield _messages(answer)


def _messages(answer: httpx.Response) -> Iterator[dict[str, Any]]:
    told: dict[str, str] = {}
    for line in answer.iter_lines():
        if line:
            name, _, value = line.partition(": ")
            told[name] = value
            continue
        message = json.loads(told["data"]) | {"sse_id": told.get("id", "")}
        assert message["type"] == told["event"]
        told = {}
        if message["type"] != "heartbeat":
            yield message


def send(client: httpx.Client, *events: dict[str, Any], tenant: str = "") -> None:
    """Send events; they are acknowledged when it returns."""
    parameters = {"tenant_id": tenant} if tenant else {}
    answer = client.post("/api/v2/events", json=list(events), params=parameters)
    assert answer.status_code == 200, answer.text
    assert answer.json()["ingested"] == len(events), answer.text


def seen(event_id: str, user: str = "ada", type: str = "seen", **more: Any) -> dict[str, Any]:
    """An event of now."""
    return {"event_id": event_id, "event_type": type, "user_id": user, **more}
