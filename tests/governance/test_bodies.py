"""Bodies: what is too large is refused, by every route that reads one, before all of it is held."""

import json
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from rollbook.app import create_app
from rollbook.settings import load
from rollbook.store import Store

MOST = 4096


@pytest.fixture
def client(store: Store) -> TestClient:
    """The application with a low limit, over the shared store."""
    app = create_app(load(data=store.settings.data, max_body_bytes=MOST))
    app.state.store = store
    return TestClient(app, base_url="http://localhost", raise_server_exceptions=False)


@pytest.mark.parametrize(("method", "path"), [("PUT", "/api/v2/roster"), ("POST", "/api/v2/privacy/requests")])
def test_a_body_that_is_too_large_is_refused(client: TestClient, tenant: str, method: str, path: str) -> None:
    body = json.dumps({"people": [{"user_id": "x" * MOST}]}).encode()
    answer = client.request(method, path, content=body, params={"tenant_id": tenant})
    assert answer.status_code == 413
    assert f"larger than {MOST} bytes (ROLLBOOK_MAX_BODY_BYTES)" in answer.json()["detail"]


def test_it_is_refused_before_all_of_it_was_sent(client: TestClient, tenant: str) -> None:
    sent = 0

    def endless() -> Iterator[bytes]:
        nonlocal sent
        while sent < 100 * MOST:
            sent += 1024
            yield b" " * 1024

    answer = client.put("/api/v2/roster", content=endless(), params={"tenant_id": tenant})
    assert answer.status_code == 413
    assert "send it in parts" in answer.json()["detail"]


def test_what_fits_is_taken(client: TestClient, tenant: str) -> None:
    answer = client.put("/api/v2/roster", json={"people": [{"user_id": "ada"}]}, params={"tenant_id": tenant})
    assert answer.status_code == 200, answer.text
