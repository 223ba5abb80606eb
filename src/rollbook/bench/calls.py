"""Calls: one client with a kept connection, which knows how long each answer took."""

import http.client
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from rollbook.bench.processes import Server

TIMEOUT_SECONDS = 300


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back, and how long it took."""

    status: int
    body: bytes
    seconds: float

    def json(self) -> Any:
        """The body."""
        return json.loads(self.body)


class Caller:
    """A client of one server."""

    def __init__(self, server: Server) -> None:
        self._shown = {"Authorization": f"Bearer {server.key}"} if server.key else {}
        self._connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=TIMEOUT_SECONDS)

    def get(self, path: str, parameters: Mapping[str, Any] | None = None) -> Reply:
        """Ask."""
        return self._sent("GET", f"{path}?{urlencode(parameters)}" if parameters else path)

    def post(self, path: str, content: Any = None, *, body: bytes | None = None) -> Reply:
        """Send `content` as JSON, or a body as it is."""
        return self._sent("POST", path, json.dumps(content).encode() if body is None else body)

    def close(self) -> None:
        """Give the connection back."""
        self._connection.close()

    def _sent(self, method: str, path: str, body: bytes | None = None) -> Reply:
        began = time.perf_counter()
        headers = self._shown | ({"Content-Type": "application/json"} if body else {})
        self._connection.request(method, path, body, headers)
        response = self._connection.getresponse()
        content = response.read()
        return Reply(response.status, content, time.perf_counter() - began)


def middle(values: list[float]) -> float:
    """The median; of an even number the upper one; 0 of none."""
    return sorted(values)[len(values) // 2] if values else 0.0


def high(values: list[float], share: float = 0.99) -> float:
    """The value that so large a share lies below; 0 of none."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))] if values else 0.0
