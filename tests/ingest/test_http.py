"""The way in over HTTP: what is answered to whom, with which status; nothing but JSON, never a bare 500."""

import json
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from fastapi.testclient import TestClient

from rollbook.app import create_app
from rollbook.ingest.intake import Intake
from rollbook.store import Store
from tests.cli.terminal import Serving, serving
from tests.ingest import kept
from tests.ingest.posting import GOOD, TYPE, post, routes, seen, total


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """A server with small limits; nothing that any test does makes it log an error."""
    limits = {
        "ROLLBOOK_MAX_BODY_BYTES": "1000000",
        "ROLLBOOK_QUEUE_EVENTS": "2",
        "ROLLBOOK_MAX_BATCH_SIZE": "50",
        "MAX_BATCH_SIZE": "5",
    }
    with serving(tmp_path_factory.mktemp("served") / "book", **limits) as running:
        yield running
        assert running.stop() == 0
    lines = [json.loads(line) for line in running.errors.splitlines()]
    assert [line for line in lines if line["level"] in ("error", "critical")] == []


@routes
def test_one_event_and_a_list(client: TestClient, store: Store, tenant: str, route: str) -> None:
    one = post(client, route, tenant, seen(route)[0])
    assert (one.status_code, one.headers["content-type"]) == (200, "application/json")
    assert one.json()["ingested"] == 1
    many = post(client, route, tenant, seen(route, 3))
    assert many.json() | {"status": None, "event_id": None} == {
        "ingested": 3, "duplicates": 0, "rejected": [], "status": None, "event_id": None
    }  # fmt: skip
    assert len(kept.events(store, tenant)) == 4


def test_document_1_answers_with_the_event_s_real_id(client: TestClient, store: Store, tenant: str) -> None:
    given = post(client, "/events", tenant, GOOD).json()
    assert given["status"] == "success"
    assert given["event_id"] == kept.event(store, tenant)["id"]
    assert post(client, "/events", tenant, GOOD | {"event_id": "mine"}).json()["event_id"] == "mine"
    again = post(client, "/events", tenant, GOOD | {"event_id": "mine"}).json()
    assert (again["status"], again["event_id"], again["ingested"], again["duplicates"]) == ("success", "mine", 0, 1)
    assert post(client, "/events", tenant, []).json()["event_id"] is None


def test_document_4_answers_how_many_were_ingested(client: TestClient, tenant: str) -> None:
    assert post(client, "/api/analytics/ingest", tenant, seen("/api/analytics/ingest", 2)).json()["ingested"] == 2


@routes
def test_what_is_acknowledged_is_found_by_the_next_question(client: TestClient, tenant: str, route: str) -> None:
    for number in range(1, 6):
        assert post(client, route, tenant, seen(route, 2)).status_code == 200
        assert total(client, tenant) == 2 * number


@routes
def test_good_events_of_a_bad_batch_are_kept(client: TestClient, store: Store, tenant: str, route: str) -> None:
    answer = post(client, route, tenant, [5, *seen(route, 2), {TYPE[route]: ""}])
    assert answer.status_code == 200
    body = answer.json()
    assert (body["ingested"], body["duplicates"]) == (2, 0)
    assert [(one["index"], one["reason"]) for one in body["rejected"]] == [(0, "not_an_object"), (3, "invalid_type")]
    assert all(one["detail"] for one in body["rejected"])
    assert len(kept.letters(store, tenant)) == 2


@routes
def test_422_if_no_event_is_valid(client: TestClient, store: Store, tenant: str, route: str) -> None:
    answer = post(client, route, tenant, [5, {TYPE[route]: ""}])
    assert answer.status_code == 422
    body = answer.json()
    assert body["detail"] == "no event is valid: event 0: the event is not a JSON object (and 1 more)"
    assert [(one["index"], one["reason"]) for one in body["rejected"]] == [(0, "not_an_object"), (1, "invalid_type")]
    assert kept.events(store, tenant) == []
    assert len(kept.letters(store, tenant)) == 2


@routes
@pytest.mark.parametrize(
    ("body", "where"),
    [
        (b"", "the body is empty"),
        (b"{", "line 1, column 2"),
        (b'[{"a": 1},\n{"b" 2}]', "line 2, column 6"),
        (b"user_id=ada", "line 1, column 1"),
        (b"\xff\xfe", "line 1, column 1"),
        (b"[" * 50_000, "line 1, column"),
    ],
)
def test_400_for_what_is_not_json_says_where(
    client: TestClient, store: Store, tenant: str, route: str, body: bytes, where: str
) -> None:
    answer = post(client, route, tenant, body)
    assert answer.status_code == 400
    assert where in answer.json()["detail"]
    assert [letter["body"] for letter in kept.letters(store, tenant)] == [body]


@routes
def test_an_empty_list_is_nothing(client: TestClient, tenant: str, route: str) -> None:
    answer = post(client, route, tenant, [])
    assert (answer.status_code, answer.json()["ingested"]) == (200, 0)


@pytest.mark.parametrize(
    ("route", "most"), [("/api/v2/events", 10_000), ("/events", 10_000), ("/api/analytics/ingest", 1_000)]
)
def test_413_over_the_documented_sizes(client: TestClient, tenant: str, route: str, most: int) -> None:
    assert post(client, route, tenant, seen(route, most)).json()["ingested"] == most
    for body in (seen(route, most + 1), [5] * (most + 1)):
        answer = post(client, route, tenant, body)
        assert answer.status_code == 413
        assert f"at most {most} are allowed" in answer.json()["detail"]
    assert total(client, tenant) == most


def test_an_idempotency_key(client: TestClient, store: Store, tenant: str) -> None:
    for new in (2, 0):
        answer = post(client, "/api/v2/events", tenant, [GOOD, GOOD], idempotency_key="k-1").json()
        assert (answer["ingested"], answer["duplicates"]) == (new, 2 - new)
    assert kept.ids(store, tenant) == {"k-1:0": 1, "k-1:1": 1}


def test_a_tenant_in_the_body_wins(client: TestClient, store: Store, tenant: str) -> None:
    other = f"{tenant}-other"
    post(client, "/api/v2/events", other, [GOOD | {"tenant_id": tenant}, GOOD, GOOD | {"tenant_id": ""}])
    assert len(kept.events(store, tenant)) == 1
    assert len(kept.events(store, other)) == 2


@pytest.mark.parametrize("name", ["\0", "a\x1fb", "\n", "x" * 257])
def test_what_no_tenant_may_be_called(client: TestClient, name: str) -> None:
    answer = post(client, "/api/v2/events", name, GOOD)
    assert answer.status_code == 422
    assert answer.json()["detail"].startswith("tenant_id is longer than")


@routes
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "PATCH"])
def test_405_for_other_methods(client: TestClient, route: str, method: str) -> None:
    answer = client.request(method, route)
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    assert answer.headers["content-type"] == "application/json"
    if method != "HEAD":
        assert answer.json() == {"detail": f"{method} is not possible here; use POST"}


def test_503_while_stopping(store: Store, tenant: str) -> None:
    app = create_app(store.settings)
    app.state.store, app.state.intake = store, Intake(store)
    app.state.intake.close()
    answer = post(TestClient(app, base_url="http://localhost"), "/events", tenant, GOOD)
    assert answer.status_code == 503
    assert answer.json() == {"detail": "Rollbook is stopping; send it again in a moment"}
    assert int(answer.headers["retry-after"]) >= 1


def test_503_while_too_much_waits_and_nothing_is_lost(server: Serving, tenant: str) -> None:
    statuses: list[int] = []
    everybody = threading.Barrier(24)

    def work(number: int) -> None:
        with httpx.Client(base_url=server.address, timeout=60) as client:
            everybody.wait()
            for attempt in range(10):
                event = GOOD | {"event_id": f"{number}-{attempt}"}
                while (answer := post(client, "/api/v2/events", tenant, event)).status_code == 503:
                    assert "ROLLBOOK_QUEUE_EVENTS" in answer.json()["detail"]
                    assert int(answer.headers["retry-after"]) >= 1
                    statuses.append(503)
                assert answer.json()["ingested"] == 1

    with ThreadPoolExecutor(24) as pool:
        for done in [pool.submit(work, number) for number in range(24)]:
            done.result()
    assert 503 in statuses
    with httpx.Client(base_url=server.address, timeout=60) as client:
        assert total(client, tenant) == 240


def test_many_connections_send_the_same(server: Serving, tenant: str) -> None:
    def work(_: int) -> int:
        with httpx.Client(base_url=server.address, timeout=60) as client:
            events = [GOOD | {"event_id": f"e{n}"} for n in range(40)]
            while (answer := post(client, "/events", tenant, events)).status_code == 503:
                pass
            ingested: int = answer.json()["ingested"]
            return ingested

    with ThreadPoolExecutor(12) as pool:
        assert sum(pool.map(work, range(12))) == 40
    with httpx.Client(base_url=server.address, timeout=60) as client:
        assert total(client, tenant) == 40


def test_limits_that_are_settings(server: Serving, tenant: str) -> None:
    with httpx.Client(base_url=server.address, timeout=60) as client:
        for route, most in (("/api/v2/events", 50), ("/events", 50), ("/api/analytics/ingest", 5)):
            assert post(client, route, tenant, seen(route, most)).status_code == 200
            assert post(client, route, tenant, seen(route, most + 1)).status_code == 413


def test_a_body_in_chunks(server: Serving, tenant: str) -> None:
    def chunks(count: int) -> Iterator[bytes]:
        yield b"["
        for number in range(count):
            yield b"," * bool(number)
            yield json.dumps(GOOD).encode()
        yield b"]"

    with httpx.Client(base_url=server.address, timeout=60) as client:
        answer = client.post("/events", params={"tenant_id": tenant}, content=chunks(20))
        assert answer.json()["ingested"] == 20
        # a body without end is answered at the limit
        endless = (b" " * 10_000 for _ in range(1_000))
        answer = client.post("/events", params={"tenant_id": tenant}, content=endless)
        assert answer.status_code == 413
        assert "more than 1000000 bytes" in answer.json()["detail"]
        assert client.post("/events", content=b" " * 3_000_000).status_code == 413


def test_a_client_that_goes_in_the_middle_leaves_nothing(server: Serving, tenant: str) -> None:
    host, port = server.address.removeprefix("http://").split(":")
    body = json.dumps([GOOD] * 3).encode()
    head = (
        f"POST /events?tenant_id={tenant} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    )
    for part in (body[:1], body[:-1]):
        with socket.create_connection((host, int(port))) as connection:
            connection.sendall(head + part)
    with httpx.Client(base_url=server.address, timeout=60) as client:
        assert total(client, tenant) == 0
        assert post(client, "/events", tenant, [GOOD] * 3).json()["ingested"] == 3


def test_dead_letters_and_counters_over_http(client: TestClient, tenant: str) -> None:
    post(client, "/events", tenant, [GOOD, {"event_type": "", "event_id": "\udcff"}, b"\xff".decode("latin-1")])
    query = {"tenant_id": tenant}
    listed = client.get("/api/v2/dead-letters", params=query).json()["dead_letters"]
    assert [(one["index"], one["reason"], one["encoding"]) for one in listed] == [
        (1, "not_utf8", "text"), (2, "not_an_object", "text"),
    ]  # fmt: skip
    assert client.get(f"/api/v2/dead-letters/{listed[0]['id']}", params=query).json() == listed[0]
    assert client.get(f"/api/v2/dead-letters/{listed[0]['id']}").status_code == 404
    counts = client.get("/api/v2/dead-letters/counts", params=query).json()["counts"]
    assert {one["reason"]: one["letters"] for one in counts} == {"not_utf8": 1, "not_an_object": 1}
    done = client.post("/api/v2/dead-letters/replay", params=query, json={"reason": "not_utf8"}).json()
    assert (done["replayed"], [one["id"] for one in done["failed"]]) == (0, [listed[0]["id"]])
    counters = client.get("/api/v2/ingest/counters", params=query).json()["counters"]
    assert {(one["dialect"], one["outcome"]): one["events"] for one in counters} == {
        ("agent", "accepted"): 1, ("agent", "rejected"): 2,
    }  # fmt: skip
    assert datetime.fromisoformat(counters[0]["minute"]) <= datetime.now(UTC)


@routes
def test_the_routes_are_described(client: TestClient, route: str) -> None:
    described = client.get("/openapi.json").json()["paths"][route]["post"]
    assert {"200", "400", "413", "422", "503"} <= described["responses"].keys()
    event = described["requestBody"]["content"]["application/json"]["schema"]["oneOf"][0]
    assert event["required"] == [TYPE[route]]
    assert "event_id" in event["properties"]
    assert "application/x-ndjson" in described["requestBody"]["content"]


def test_an_event_that_holds_anything_is_answered_by_the_questions(client: TestClient, tenant: str) -> None:
    numbers = b'{"score": 1e999, "n": ' + b"1" * 5_000 + b', "a": 1, "a": 2}'
    huge = b'{"event_type": "seen", "user_id": "ada", "metadata": ' + numbers + b"}"
    assert post(client, "/events", tenant, huge).json()["ingested"] == 1
    query = {"tenant_id": tenant, "user": "ada"}
    (moment,) = client.get("/api/v2/ask/timeline", params=query).json()["rows"]
    assert moment["properties"] == {"score": "1e999", "n": "1" * 5_000, "a": 2}
    assert client.get("/metrics/ada", params=query).status_code == 200
    for form in ("csv", "xlsx"):
        answer = client.get("/api/analytics/reports/events", params=query | {"format": form})
        assert answer.status_code == 200, answer.text


def test_the_data_folder_is_left_clean(tmp_path: Path) -> None:
    with serving(tmp_path / "book") as running:
        with httpx.Client(base_url=running.address, timeout=60) as client:
            assert post(client, "/events", "acme", [GOOD, 5]).json()["ingested"] == 1
        assert running.stop() == 0
    with serving(tmp_path / "book") as running, httpx.Client(base_url=running.address, timeout=60) as client:
        counters = client.get("/api/v2/ingest/counters", params={"tenant_id": "acme"}).json()["counters"]
        assert {one["outcome"]: one["events"] for one in counters} == {"accepted": 1, "rejected": 1}
        assert total(client, "acme") == 1
