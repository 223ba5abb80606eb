"""Who may watch what: as for asking, and no longer than it holds. Real sockets, real keys, tokens and cookies."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from tests.delivery.live.watching import Watcher, seen, send, streaming, watching
from tests.delivery.signing_in import School, school
from tests.governance.access.signing import SECRET, signed, told

ROSTER = {
    "courses": [{"course_id": "art"}, {"course_id": "maths"}],
    "memberships": [{"course_id": "art", "user_id": "eve", "role": "educator"}],
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[School]:
    """A server that asks who calls, and on which Eve teaches art."""
    with school(tmp_path_factory.mktemp("permitted"), event="", JWT_SECRET_KEY=SECRET) as running:
        with running.client("admin") as admin:
            put = admin.put("/api/v2/roster", json=ROSTER)
            assert put.status_code == 200, put.text
            assert put.json()["rejected"] == []
        yield running


@pytest.fixture
def admin(server: School) -> Iterator[httpx.Client]:
    """The school's administrator."""
    with server.client("admin") as client:
        yield client


def token(role: str, user: str, **claims: Any) -> str:
    """An Authorization header."""
    return "Bearer " + signed(told("school", sub=user, roles=[role], **claims))


def refused(watcher: Watcher, status: int, **what: Any) -> str:
    """Why a subscription is refused."""
    watcher.say(type="subscribe", id="refused", **what)
    error = watcher.hear()
    assert (error["type"], error["status"]) == ("error", status), error
    return str(error["detail"])


def test_nobody_gets_in_without_showing_something(server: School) -> None:
    with server.client() as client:
        assert client.get("/api/v2/live/events").status_code == 401
        for query in ("", "?ticket=wrong"):
            with pytest.raises(InvalidStatus), watching(client, query=query):
                pass
    with server.client("ingest") as ingest:
        assert ingest.get("/api/v2/live/events").status_code == 403


def test_a_learner_sees_their_own_events_and_nobody_elses(server: School, admin: httpx.Client) -> None:
    with watching(admin, authorization=token("learner", "ada")) as learner:
        assert "learner" in refused(learner, 403, question="totals")
        refused(learner, 403, question="timeline", parameters={"user": "bo"})
        refused(learner, 403, events={"users": ["bo"]})
        # nor another tenant's
        refused(learner, 403, events={}, tenant_id="default")
        learner.watch("mine", events={})
        learner.watch("timeline", question="timeline", parameters={"user": "ada"})
        learner.until("answer", "timeline")
        send(admin, seen("l1", "bo"), seen("l2", "ada"))
        heard = {learner.until(kind)["id"] for kind in ("event", "answer")}
        assert heard == {"mine", "timeline"}
        send(admin, seen("l3", "ada"))
        assert learner.until("event")["event"]["event_id"] == "l3"


def test_an_educator_sees_their_courses(server: School, admin: httpx.Client) -> None:
    with watching(admin, authorization=token("educator", "eve")) as educator:
        educator.watch("all", question="totals")
        before = educator.until("answer")["answer"]["rows"][0]["events"]
        educator.watch("events", events={})
        send(admin, seen("e1", course_id="maths"), seen("e2", course_id="art"))
        assert educator.until("event")["event"]["event_id"] == "e2"
        assert educator.until("answer")["answer"]["rows"][0]["events"] == before + 1


def test_an_analyst_sees_groups_and_no_single_event(server: School, admin: httpx.Client) -> None:
    with watching(admin, authorization=token("analyst", "ann")) as analyst:
        assert "analyst" in refused(analyst, 403, events={})
        refused(analyst, 403, question="totals", tenant_id="default")
        refused(analyst, 403, overview={}, tenant_id="default")
        refused(analyst, 403, question="timeline", parameters={"user": "ada"})
        yesterday = (datetime.now(UTC) - timedelta(days=1)).isoformat()
        few = [seen(f"few-{n}", f"few-{n}", timestamp=yesterday) for n in range(2)]
        send(admin, *few)
        analyst.watch("groups", question="totals", parameters={"days": 2})
        assert analyst.until("answer")["answer"]["withheld"] == 1
        send(admin, *(seen(f"many-{n}", f"many-{n}", timestamp=yesterday) for n in range(30)))
        [row] = analyst.until("answer")["answer"]["rows"]
        assert row["people"] == 32


def test_who_does_not_consent_is_left_out_from_the_next_message_on(server: School, admin: httpx.Client) -> None:
    with watching(admin, x_api_key=server.keys["admin"]) as client:
        client.watch("events", events={"users": ["cy", "dee"]})
        client.watch("sum", question="totals", parameters={"days": 1})
        before = client.until("answer")["answer"]["rows"][0]["people"]
        send(admin, seen("c1", "cy"))
        assert client.until("event")["event"]["user_id"] == "cy"
        assert client.until("answer")["answer"]["rows"][0]["people"] == before + 1
        decided = admin.put("/api/v2/consents/cy", json={"purpose": "analytics", "given": False})
        assert decided.status_code < 300, decided.text
        # what is known of cy is answered no more, without any event, and what comes is not even kept
        assert client.until("answer")["answer"]["rows"][0]["people"] == before
        send(admin, seen("d1", "dee"), seen("d2", "ed"))
        answer = admin.post("/api/v2/events", json=[seen("c2", "cy")])
        assert answer.json()["ingested"] == 0
        assert client.until("event")["event"]["event_id"] == "d1"
        # Dee and Ed, and no longer Cy
        assert client.until("answer")["answer"]["rows"][0]["people"] == before + 2


def test_a_revoked_key_closes_what_it_opened(server: School, admin: httpx.Client) -> None:
    made = admin.post("/api/v2/keys", json={"role": "read"}).json()
    with watching(admin, x_api_key=made["key"]) as client:
        client.watch("sum", question="totals")
        client.until("answer")
        # a stream by a ticket ends with the key that it was made from
        ticket = admin.post("/api/v2/live/tickets", headers={"X-API-Key": made["key"]}).json()["ticket"]
        with server.client() as nobody, streaming(nobody, params={"ticket": ticket, "question": "totals"}) as messages:
            assert next(messages)["type"] == "subscribed"
            assert admin.delete(f"/api/v2/keys/{made['id']}").status_code < 300
            assert client.until("gone")["reason"] == "ended"
            with pytest.raises(ConnectionClosed) as closed:
                client.hear()
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1008
            assert list(messages)[-1]["reason"] == "ended"
    with server.client() as nobody:
        assert nobody.get("/api/v2/live/events", params={"ticket": ticket}).status_code == 401


def test_a_stream_ends_with_its_token_and_with_the_membership(server: School, admin: httpx.Client) -> None:
    with watching(admin, authorization=token("learner", "ada", exp=int(time.time()) + 2)) as client:
        client.watch("mine", events={})
        assert client.until("gone")["reason"] == "ended"
    member = {"course_id": "maths", "user_id": "max", "role": "educator"}
    assert admin.put("/api/v2/roster", json={"memberships": [member]}).json()["rejected"] == []
    with watching(admin, authorization=token("educator", "max")) as client:
        client.watch("sum", question="totals")
        client.until("answer")
        ended = member | {"ends": (datetime.now(UTC) - timedelta(days=2)).date().isoformat()}
        assert admin.put("/api/v2/roster", json={"memberships": [ended]}).json()["rejected"] == []
        assert client.until("gone")["reason"] == "ended"


def test_a_ticket_and_a_cookie_open_it_and_other_sites_cannot(server: School, admin: httpx.Client) -> None:
    ticket = admin.post("/api/v2/live/tickets").json()["ticket"]
    with server.client() as nobody, watching(nobody, query=f"?ticket={ticket}") as client:
        client.watch("sum", question="totals")
        client.until("answer")
    with server.client() as browser:
        own = {"Origin": str(browser.base_url).rstrip("/")}
        signed_in = browser.post("/sign-in", data={"key": server.keys["admin"]}, headers=own)
        assert signed_in.status_code == 303, signed_in.text
        cookie = "; ".join(f"{one.name}={one.value}" for one in browser.cookies.jar)
        with watching(browser, cookie=cookie, origin=own["Origin"]) as client:
            client.watch("sum", question="totals")
            client.until("answer")
        address = f"ws://{browser.base_url.host}:{browser.base_url.port}/api/v2/live"
        for origin in ("https://evil.example", None):
            shown = {"Cookie": cookie} | ({"Origin": origin} if origin else {})
            with pytest.raises(InvalidStatus), connect(address, additional_headers=shown):
                pass


def test_what_is_watched_of_people_is_in_the_trail(server: School, admin: httpx.Client) -> None:
    with watching(admin, x_api_key=server.keys["read"]) as client:
        client.watch("one", question="timeline", parameters={"user": "zoe"})
        client.watch("more", events={"users": ["zoe", "yan"]})
        client.until("answer")
    for user, times in (("zoe", 2), ("yan", 1)):
        lines = admin.get("/api/v2/audit", params={"person": user}).json()["lines"]
        whats = [line["what"] for line in lines if line["action"] == "read"]
        assert len(whats) == times, lines
        assert whats[-1] in ("GET /api/v2/live/events", "GET /api/v2/ask/timeline")
