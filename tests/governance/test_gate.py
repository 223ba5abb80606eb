"""The gate: every route with every role does what the tables say, and a role sees just as far as it reaches."""

import re
from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
from fastapi.testclient import TestClient

from rollbook.governance.access import PERMISSIONS, QUESTIONS, ROUTES, permission_of, reach_of
from rollbook.governance.audit import Trail
from rollbook.governance.caller import ROLES, Caller, Permission, Role
from rollbook.governance.lifecycle.runs import Runs
from rollbook.governance.tokens import sign
from rollbook.ingest.import_routes import Imports
from rollbook.ingest.intake import Intake
from rollbook.jobs.durable import Durable
from rollbook.settings import load
from rollbook.store import Store
from tests.governance.access.showing import gated
from tests.stories import happened, tell

SETTINGS = load(
    auth="required",
    jwt_secret_key="a secret of at least thirty-two bytes",
    rate_limit_per_key=10**9,
    rate_limit_per_minute=10**9,
)
_tenants = count()

ADDRESSES = sorted(
    [(method, path) for (method, path), permission in ROUTES.items() if permission != "public"]
    + [("GET", f"/api/v2/ask/{name}") for name in QUESTIONS]
)


@pytest.fixture(scope="module")
def client(store: Store) -> Iterator[TestClient]:
    """A client of the whole application, over the shared store."""
    client, _ = gated(store, SETTINGS)
    intake = Intake(store)
    state = client.app.state  # type: ignore[attr-defined]
    state.intake, state.trail, state.imports = intake, Trail(store), Imports()
    durable = Durable(store, state.trail)
    state.rights, state.restores = durable.rights, Runs()
    yield client
    durable.close()
    state.restores.close()
    state.trail.close()
    intake.close()


@pytest.fixture
def school() -> str:
    """A tenant of its own."""
    return f"gate-{next(_tenants)}"


def shown(tenant: str, user: str, *roles: Role) -> dict[str, str]:
    """The header of a token."""
    return {"Authorization": f"Bearer {sign(SETTINGS, tenant, user, roles)}"}


def filled(path: str) -> str:
    """A path with somebody or something in its places."""
    return re.sub(r"\{[^}]+\}", "nobody", path)


@pytest.mark.parametrize(("method", "path"), ADDRESSES)
def test_every_route_is_open_to_just_the_roles_of_its_permission(
    client: TestClient, school: str, method: str, path: str
) -> None:
    permission = permission_of(method, filled(path))
    assert permission is not None
    assert client.request(method, filled(path)).status_code == 401
    for role in ROLES:
        answer = client.request(method, filled(path), headers=shown(school, "somebody", role))
        refused = answer.status_code == 403 and "is for:" in answer.json()["detail"]
        # what they may, they may: if it is refused, then for whom it is about, not for who they are
        assert refused == (reach_of(Caller(school, frozenset({role}), "test"), permission) is None), (role, answer.text)
        # streams have no desk here, and would never end
        assert answer.status_code < 500 or path == "/api/v2/live/events", (role, answer.text)


def test_a_learner_sees_themselves_and_nobody_else(client: TestClient, store: Store, school: str) -> None:
    tell(store, school, [happened("session_start", user, duration=60.0) for user in ("ada", "bob")])
    ada = shown(school, "ada", "learner")
    assert client.get("/metrics/ada", headers=ada).json()["user_id"] == "ada"
    assert client.get("/metrics/bob", headers=ada).status_code == 403
    assert client.get("/api/v2/ask/timeline?user=bob", headers=ada).status_code == 403
    rows = client.get("/api/v2/ask/learners", headers=ada).json()["rows"]
    assert [row["user_id"] for row in rows] == ["ada"]
    assert client.get("/api/v2/ask/totals", headers=ada).status_code == 403
    assert client.get("/api/analytics/reports/events", headers=ada).status_code == 403


def test_an_educator_sees_their_courses(client: TestClient, store: Store, school: str) -> None:
    tell(
        store,
        school,
        [happened("view", "ada", course="maths"), happened("view", "ada", course="art"), happened("view", "bob")],
    )
    admin, teacher = shown(school, "head", "admin"), shown(school, "tess", "educator")
    assert events(client, teacher) == []
    roster = {
        "courses": [{"course_id": "maths"}],
        "memberships": [{"course_id": "maths", "user_id": "tess", "role": "educator"}],
    }
    assert client.put("/api/v2/roster", json=roster, headers=admin).json()["rejected"] == []
    assert events(client, teacher) == [("ada", "maths")]
    assert events(client, admin) == [("ada", "art"), ("ada", "maths"), ("bob", "")]
    assert client.get("/api/v2/ask/totals", headers=teacher).json()["rows"][0]["events"] == 1


def test_a_guardian_sees_their_wards(client: TestClient, store: Store, school: str) -> None:
    tell(store, school, [happened("view", user) for user in ("kid", "bob")])
    admin, parent = shown(school, "head", "admin"), shown(school, "mum", "guardian")
    assert client.get("/metrics/kid", headers=parent).status_code == 403
    people = [{"user_id": "kid", "birth_date": "2016-01-01"}, {"user_id": "mum"}]
    kept = [{"ward_id": "kid", "guardian_id": "mum", "verified_by": "school office"}]
    told = client.put("/api/v2/roster", json={"people": people, "guardianships": kept}, headers=admin).json()
    assert told["rejected"] == []
    assert client.get("/metrics/kid", headers=parent).status_code == 200
    assert client.get("/metrics/bob", headers=parent).status_code == 403


def test_a_person_with_several_ids_is_one(client: TestClient, store: Store, school: str) -> None:
    tell(store, school, [happened("session_start", user) for user in ("ada", "ada", "ada.old", "bob")])
    admin, ada = shown(school, "head", "admin"), shown(school, "ada", "learner")
    roster = {"people": [{"user_id": "ada"}, {"user_id": "ada.old"}, {"user_id": "bob"}]}
    assert client.put("/api/v2/roster", json=roster, headers=admin).json()["rejected"] == []
    assert len(timeline(client, ada)) == 2
    merged = client.post("/api/v2/people/merge", json={"keep": "ada", "merge": "ada.old"}, headers=admin)
    assert merged.status_code == 200, merged.text
    assert len(timeline(client, ada)) == len(timeline(client, admin)) == 3
    assert client.get("/metrics/bob", headers=ada).status_code == 403
    undone = client.post(f"/api/v2/people/merges/{merged.json()['merge_id']}/undo", headers=admin)
    assert undone.status_code == 200, undone.text
    assert len(timeline(client, ada)) == 2


def timeline(client: TestClient, who: dict[str, str]) -> list[Any]:
    """What ada has done, as somebody sees it."""
    rows: list[Any] = client.get("/api/v2/ask/timeline?user=ada", headers=who).json()["rows"]
    return rows


def test_a_token_speaks_for_its_tenant_only(client: TestClient, store: Store, school: str) -> None:
    tell(store, "default", [happened("secret", "victim")])
    admin = shown(school, "head", "admin")
    assert client.get("/api/v2/ask/totals?tenant_id=default", headers=admin).status_code == 403
    assert client.get("/api/v2/ask/totals?tenant_id=", headers=admin).json()["rows"][0]["events"] == 0
    sent = client.post("/api/v2/events", json=[{"event_type": "x", "tenant_id": "default"}], headers=admin)
    assert (sent.status_code, sent.json()["rejected"][0]["reason"]) == (403, "foreign_tenant")
    mixed = [{"event_type": "x", "tenant_id": "default"}, {"event_type": "x"}, {"event_type": "x", "tenant_id": school}]
    assert client.post("/api/v2/events", json=mixed, headers=admin).json()["ingested"] == 2


def test_a_learners_token_writes_only_their_own_events(client: TestClient, school: str) -> None:
    ada = shown(school, "ada", "learner")
    told: list[tuple[dict[str, Any], str | None]] = [
        ({"event_type": "view", "user_id": "ada"}, None),
        ({"event_type": "view"}, None),
        ({"event_type": "view", "user_id": "bob"}, "foreign_user"),
        ({"event_type": "grade", "user_id": "ada"}, "server_only_type"),
    ]
    for event, reason in told:
        answer = client.post("/api/v2/events", json=event, headers=ada)
        assert answer.status_code == (403 if reason else 200), answer.text
        assert [one["reason"] for one in answer.json()["rejected"]] == ([reason] if reason else [])
    admin = shown(school, "head", "admin")
    assert client.get("/api/v2/dead-letters", headers=admin).json()["dead_letters"] == []
    counters = client.get("/api/v2/ingest/counters", headers=admin).json()["counters"]
    assert sum(one["events"] for one in counters if one["outcome"] == "rejected") == 2
    assert client.get("/api/v2/ask/totals", headers=admin).json()["rows"][0]["people"] == 1
    assert events(client, admin) == [("ada", ""), ("ada", "")]


def test_every_permission_is_somebodys(client: TestClient) -> None:
    nobodys: list[Permission] = [name for name, roles in PERMISSIONS.items() if not roles]
    assert nobodys == ["public"]


def events(client: TestClient, who: dict[str, str]) -> list[tuple[str, str]]:
    """User and course of every event that may be seen."""
    sent = client.get("/api/analytics/reports/events?format=json&start=2020-01-01", headers=who)
    assert sent.status_code == 200, sent.text
    return sorted((event["user_id"], event["course_id"]) for event in sent.json())
