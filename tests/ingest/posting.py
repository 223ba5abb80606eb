"""Posting: a client of the whole application over the shared store, and what it sends."""

import json
from typing import Any

import httpx
import pytest
from fastapi.testclient import TestClient

GOOD = {"event_type": "seen", "user_id": "ada"}
TRACK = "/api/analytics/events/track"
ROUTES = {"/api/v2/events": "native", "/events": "agent", TRACK: "studyin", "/api/analytics/ingest": "ingest"}
TYPE = {"/api/v2/events": "event_type", "/events": "event_type", TRACK: "event_type", "/api/analytics/ingest": "type"}

routes = pytest.mark.parametrize("route", ROUTES)


def seen(route: str, count: int = 1, **more: Any) -> list[dict[str, Any]]:
    """Events in the shape that a route takes."""
    return [{TYPE[route]: "seen", "user_id": "ada"} | more for _ in range(count)]


def post(client: TestClient | httpx.Client, route: str, tenant: str, body: Any, **headers: str) -> httpx.Response:
    """Send a body: bytes as they are, anything else as JSON."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.post(route, params={"tenant_id": tenant}, content=content, headers=named)


def total(client: TestClient | httpx.Client, tenant: str) -> int:
    """How many events a question finds."""
    answer = client.get("/api/v2/ask/totals", params={"tenant_id": tenant})
    assert answer.status_code == 200, answer.text
    events: int = answer.json()["rows"][0]["events"]
    return events
