"""Document 2's routes: every field as documented, about whose token is shown, or whom a key names."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from rollbook.store import Store
from tests.cli.terminal import serving
from tests.delivery.serving import serve
from tests.governance.access.signing import SECRET, signed, told
from tests.processes import run
from tests.stories import happened, tell

NOW = "2026-03-04T12:00:00Z"


def get(store: Store, address: str, **parameters: Any) -> dict[str, Any]:
    """The answer to a request that must be served."""
    answer = serve(store).get(f"/api/analytics{address}", params=parameters)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def a_day(store: Store, tenant: str, user: str = "ada") -> None:
    """A session of half an hour, 120 XP, an achievement, a slow request."""
    tell(
        store,
        tenant,
        [
            happened("session_start", user, "2026-03-03T09:00"),
            happened("material_view", user, "2026-03-03T09:10", content="m1"),
            happened("session_end", user, "2026-03-03T09:30"),
            happened("xp_earned", user, "2026-03-03T09:30", properties='{"xp_amount": 120}'),
            happened("achievement_earned", user, "2026-03-03T09:30", properties='{"achievement_id": "first"}'),
            happened("api_request", user, "2026-03-04T09:00", properties='{"latency_ms": 40, "endpoint": "/x"}'),
        ],
    )


def test_overview(store: Store, tenant: str) -> None:
    a_day(store, tenant)
    assert get(store, "/learning/overview", tenant_id=tenant, user_id="ada", as_of=NOW) == {
        "user_id": "ada",
        "period_days": 30,
        "total_sessions": 1,
        "total_duration_minutes": 30.0,
        "average_session_minutes": 30.0,
        "materials_viewed": 1,
        "materials_completed": 0,
        "xp_earned": 120,
        "total_xp": 120,
        "current_level": 2,
        "current_streak": 1,
        "longest_streak": 1,
        "achievements_earned": 1,
        "total_achievements": 1,
    }


def test_heatmap(store: Store, tenant: str) -> None:
    a_day(store, tenant)
    found = get(store, "/learning/heatmap", tenant_id=tenant, user_id="ada", as_of=NOW)
    data = found.pop("data")
    assert found == {
        "user_id": "ada", "period_days": 365, "timezone": "UTC", "total_activities": 5, "active_days": 1
    }  # fmt: skip
    assert len(data) == 365
    assert data[-2] == {"date": "2026-03-03", "activity_count": 5, "duration_minutes": 30.0, "xp_earned": 120}
    assert data[-1] == {"date": "2026-03-04", "activity_count": 0, "duration_minutes": 0.0, "xp_earned": 0}


def test_progress(store: Store, tenant: str) -> None:
    a_day(store, tenant)
    found = get(store, "/gamification/progress", tenant_id=tenant, user_id="ada", days=2, as_of=NOW)
    assert found == {
        "user_id": "ada",
        "period_days": 2,
        "current_xp": 120,
        "current_level": 2,
        "level_xp": 100,
        "next_level_xp": 400,
        "xp_to_next_level": 280,
        "progress_to_next_level": pytest.approx(20 / 300),
        "xp_earned": 120,
        "current_streak": 1,
        "longest_streak": 1,
        "total_achievements": 1,
        "achievements": [{"achievement_id": "first", "earned_at": "2026-03-03T09:30:00Z"}],
        "xp_trend": [
            {"date": "2026-03-03", "xp_earned": 120, "total_xp": 120},
            {"date": "2026-03-04", "xp_earned": 0, "total_xp": 120},
        ],
    }


def test_system_metrics(store: Store, tenant: str) -> None:
    a_day(store, tenant)
    assert get(store, "/system/metrics", tenant_id=tenant, as_of=NOW) == {
        "timestamp": "2026-03-04T12:00:00Z",
        "period_hours": 24,
        "api_performance": {"average_ms": 40.0, "p50_ms": 40.0, "p95_ms": 40.0, "p99_ms": 40.0},
        "total_requests": 1,
        "total_errors": 0,
        "error_rate": 0.0,
        "error_types": {},
        "top_endpoints": [{"endpoint": "/x", "requests": 1, "errors": 0, "error_rate": 0.0, "p95_ms": 40.0}],
        "active_users": 1,
    }


def test_of_nothing_everything_is_there_too(store: Store, tenant: str) -> None:
    found = get(store, "/learning/overview", tenant_id=tenant)
    assert (found["user_id"], found["total_sessions"], found["current_level"]) == ("", 0, 1)
    assert get(store, "/gamification/progress", tenant_id=tenant)["xp_to_next_level"] == 100
    assert get(store, "/system/metrics", tenant_id=tenant, hours=1)["error_rate"] is None


@pytest.mark.parametrize("wrong", [{"days": "0"}, {"days": "x"}, {"days": "99999"}, {"user_id": ""}, {"as_of": "1600"}])
def test_what_is_wrong_is_named(store: Store, tenant: str, wrong: dict[str, str]) -> None:
    answer = serve(store).get("/api/analytics/learning/overview", params={"tenant_id": tenant} | wrong)
    assert answer.status_code == 422
    assert next(iter(wrong)) in answer.json()["detail"]


KEY = """
    import json, sys
    from pathlib import Path
    from rollbook.governance.keys import Keys
    from rollbook.governance.tenants import Tenants
    from rollbook.settings import load
    from rollbook.store import Store

    with Store(load(data=Path(sys.argv[1]))) as store:
        Tenants(store).create("school", pseudonyms=True)
        print(json.dumps([Keys(store).create("school", role)[0] for role in ("admin", "read", "ingest")]))
"""


@pytest.fixture(scope="module")
def school(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[httpx.Client, list[str]]]:
    """A server that asks who calls, whose tenant has pseudonyms; and keys of three roles."""
    folder: Path = tmp_path_factory.mktemp("studyin")
    keys = json.loads(run(KEY, folder)[-1])
    with (
        serving(folder, ROLLBOOK_AUTH="required", JWT_SECRET_KEY=SECRET, LOG_LEVEL="ERROR") as server,
        httpx.Client(base_url=f"{server.address}/api/analytics", trust_env=False, timeout=60) as client,
    ):
        yield client, keys


def shown(subject: str, *roles: str) -> dict[str, str]:
    """The header of a token."""
    return {"Authorization": f"Bearer {signed(told('school', sub=subject, roles=list(roles or ('learner',))))}"}


def test_a_learner_s_token_says_whose(school: tuple[httpx.Client, list[str]]) -> None:
    client, (admin, read, ingest) = school
    event = {"event_type": "XP_EARNED", "properties": {"xp_amount": 150}}
    for user in ("ada", "bo"):
        answer = client.post("/events/track", json=event, headers=shown(user))
        assert (answer.status_code, answer.json()["ingested"]) == (200, 1)
    assert client.post("/events/track", json=event).status_code == 401
    assert client.post("/events/track", json=event | {"user_id": "bo"}, headers=shown("ada")).status_code == 403
    own = client.get("/learning/overview", headers=shown("ada")).json()
    assert (own["total_xp"], own["current_streak"]) == (150, 1)
    assert own["user_id"].startswith("p1_")
    assert client.get("/gamification/progress", params={"user_id": "bo"}, headers=shown("ada")).status_code == 403
    assert client.get("/gamification/progress", params={"user_id": "ada"}, headers=shown("ada")).json() == {
        **client.get("/gamification/progress", headers=shown("ada")).json(),
        "user_id": "ada",
    }
    # a learner does not see how the system does
    assert client.get("/system/metrics", headers=shown("ada")).status_code == 403
    # a key names the user, by their own id
    headers = {"X-API-Key": admin}
    assert client.get("/learning/overview", params={"user_id": "bo"}, headers=headers).json()["total_xp"] == 150
    answer = client.get("/learning/overview", headers=headers)
    assert (answer.status_code, answer.json()["detail"][:8]) == (422, "user_id:")
    assert client.get("/system/metrics", headers=headers).status_code == 200
    assert client.get("/learning/overview", params={"user_id": "bo"}, headers={"X-API-Key": ingest}).status_code == 403
    # an admin's token writes, and asks about, its own user
    client.post("/events/track", json=event, headers=shown("dean", "admin"))
    assert client.get("/learning/overview", headers=shown("dean", "admin")).json()["total_xp"] == 150
    # by a key without a user it is nobody's
    client.post("/events/track", json=event, headers={"X-API-Key": ingest})
    events = client.get("../v2/ask/totals", headers=headers).json()["rows"][0]
    assert (events["events"], events["people"]) == (4, 3)
    assert read
