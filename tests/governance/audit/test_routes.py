"""The audit trail over HTTP: who may ask, and what is answered."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from fastapi import FastAPI, Request
from fastapi.testclient import TestClient

from rollbook.delivery.api import refusals
from rollbook.governance.access import ROUTES, reach_of
from rollbook.governance.audit import Line, Trail, routes
from rollbook.governance.caller import Caller, Role
from rollbook.governance.grants import Grant
from rollbook.store import Store
from rollbook.store.records.people.persons import PersonRow
from tests.governance.trails import read


@pytest.fixture(scope="module")
def trail(store: Store) -> Iterator[Trail]:
    """The trail of the shared store."""
    opened = Trail(store)
    yield opened
    opened.close()


@pytest.fixture
def client(store: Store, trail: Trail, tenant: str) -> TestClient:
    """A client of the trail's routes, as somebody who may see the whole tenant, or as `x-only`: one of its learners."""
    app = FastAPI()
    app.state.store, app.state.trail = store, trail

    @app.middleware("http")
    async def grant(request: Request, call_next):  # type: ignore[no-untyped-def]
        only = request.headers.get("x-only")
        caller = Caller(tenant, frozenset({"auditor"}), "key:1")
        request.scope["state"] = {"grant": Grant(tenant, users=(only,) if only else None, caller=caller)}
        return await call_next(request)

    refusals.install(app)
    app.include_router(routes.router)
    return TestClient(app)


def test_lines_are_filtered(client: TestClient, trail: Trail, tenant: str) -> None:
    trail.note_now(read(tenant), read(tenant, person="bob"), Line(tenant, "export", "POST /export", actor="key:3f2a"))
    for wanted, numbers in [
        ({}, [3, 2, 1]),
        ({"person": "bob"}, [2]),
        ({"actor": "grace"}, [2, 1]),
        ({"actor": "key:3f2a"}, [3]),
        ({"action": "export"}, [3]),
        ({"actor": "nobody"}, []),
        ({"limit": 1}, [3]),
        ({"from": (datetime.now(UTC) + timedelta(hours=1)).isoformat()}, []),
        ({"to": (datetime.now(UTC) - timedelta(hours=1)).isoformat()}, []),
    ]:
        answer = client.get("/api/v2/audit", params=wanted)
        assert [line["number"] for line in answer.json()["lines"]] == numbers, wanted
    assert client.get("/api/v2/audit", params={"action": "dance"}).status_code == 422


def test_disclosures_are_what_others_saw(client: TestClient, trail: Trail, tenant: str) -> None:
    trail.note_now(
        read(tenant),
        read(tenant, actor="ada"),
        read(tenant, person="bob"),
        Line(tenant, "refused", "GET /api/v2/ask/timeline", actor="bob", person="ada"),
        Line(tenant, "export", "POST /export", actor="key:3f2a", detail={"rows": 12}),
        Line(tenant, "directory", "GET /api/v2/directory/{user_id}", actor="grace", person="ada"),
    )
    trail.note_now(
        Line(tenant, "read", "GET /api/v2/ask/learners", actor="grace"),
        Line(tenant, "read", "GET /api/v2/audit/summary", actor="grace"),
    )
    found = client.get("/api/v2/audit/disclosures/ada").json()["disclosures"]
    assert [(line["number"], line["named"]) for line in found] == [(7, False), (6, True), (5, False), (1, True)]
    assert (found[3]["actor"], found[3]["why"], found[3]["address"]) == ("grace", "tutoring", "192.0.2.7")
    nobody = client.get("/api/v2/audit/disclosures/stranger").json()["disclosures"]
    assert [line["number"] for line in nobody] == [7, 5]


def test_disclosures_are_those_of_the_person(client: TestClient, store: Store, trail: Trail, tenant: str) -> None:
    trail.note_now(read(tenant), read(tenant, person="bob"), read(tenant, actor="ada", person="lovelace"))
    store.records.put_tenant(tenant, "")
    with store.records.people.roster(tenant) as roster:
        roster.put_people([PersonRow("ada", {}, (("user", "lovelace"),))])
    found = client.get("/api/v2/audit/disclosures/lovelace").json()["disclosures"]
    assert [line["number"] for line in found] == [1]


def test_learners_see_their_own_disclosures_only(client: TestClient, trail: Trail, tenant: str) -> None:
    trail.note_now(read(tenant), read(tenant, person="bob"))
    (line,) = client.get("/api/v2/audit/disclosures/ada", headers={"x-only": "ada"}).json()["disclosures"]
    assert (line["person"], line["actor"], line["address"]) == ("ada", "grace", None)
    assert client.get("/api/v2/audit/disclosures/bob", headers={"x-only": "ada"}).status_code == 403


def test_counts_and_refusals(client: TestClient, trail: Trail, tenant: str) -> None:
    refused = Line(
        tenant, "refused", "GET /api/v2/audit", actor="mallory", credential="token:mallory", address="192.0.2.9"
    )
    trail.note_now(read(tenant), read(tenant, person="bob"), refused, refused, read(tenant, actor="bob"))
    found = client.get("/api/v2/audit/summary").json()
    day = datetime.now(UTC).date().isoformat()
    assert {(row["action"], row["actor"], row["credential"], row["lines"]) for row in found["counts"]} == {
        ("read", "grace", "token", 2), ("refused", "mallory", "token", 2), ("read", "bob", "token", 1),
    }  # fmt: skip
    assert {row["day"] for row in found["counts"]} <= {day, (datetime.now(UTC) - timedelta(days=1)).date().isoformat()}
    (row,) = found["refused"]
    assert (row["actor"], row["what"], row["lines"], row["address"]) == ("mallory", "GET /api/v2/audit", 2, "192.0.2.9")


def test_checked_page_by_page_and_against_heads(client: TestClient, store: Store, trail: Trail, tenant: str) -> None:
    trail.note_now(*(read(tenant, person=f"learner-{n}") for n in range(5)))
    heads = client.get("/api/v2/audit/heads").json()
    assert [(head["tenant"], head["number"]) for head in heads["heads"]] == [(tenant, 5)]
    assert heads["public_key"] == trail.keys.public.hex()
    first = client.post("/api/v2/audit/verify", json={"most_lines": 3}).json()
    assert (first["lines"], first["bad"], first["next"]["number"]) == (3, None, 3)
    second = client.post("/api/v2/audit/verify", json={"after": first["next"], "heads": heads["heads"]}).json()
    assert (second["lines"], second["chains"], second["bad"], second["next"]) == (2, 1, None, None)
    # cut off while the process runs, and no head signed yet: its memory knows
    trail.note_now(read(tenant))
    gone = "alter table audit delete where tenant = {t:String} and number = 6"
    store.engine.command(gone, {"t": tenant}, settings={"mutations_sync": 2})
    bad = client.post("/api/v2/audit/verify", json={}).json()["bad"]
    assert (bad["tenant"], bad["number"], bad["wrong"]) == (tenant, 6, "line 6 is missing: a signed head names line 6")


@pytest.mark.parametrize(
    ("role", "trail_reach", "disclosures_reach"),
    [("auditor", "tenant", "tenant"), ("learner", None, "self"), ("guardian", None, "wards"), ("educator", None, None)],
)
def test_who_may_ask(role: Role, trail_reach: str | None, disclosures_reach: str | None) -> None:
    caller = Caller("acme", frozenset({role}), "token:x")
    assert reach_of(caller, ROUTES["GET", "/api/v2/audit"]) == trail_reach
    assert reach_of(caller, ROUTES["POST", "/api/v2/audit/verify"]) == trail_reach
    assert reach_of(caller, ROUTES["GET", "/api/v2/audit/disclosures/{user_id:path}"]) == disclosures_reach
