"""What is published through a real Redis: document 2's names, after the commit, of whom it may be, for so long."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from redis import Redis

from rollbook.governance.consent import Decision, decide, restrict, standing
from rollbook.governance.rights.erasure import STEPS, Erasure
from rollbook.governance.rights.subject import subject
from rollbook.governance.tenants import tenants_of
from rollbook.ingest.intake import Intake
from rollbook.ingest.publishing import Publisher, publisher, publisher_of
from rollbook.store import Store
from rollbook.store.sharing import History
from rollbook.store.sharing.history import Names
from tests.cli.terminal import serving
from tests.publishing import publishing
from tests.services import free_port, redis_server

PATIENCE_SECONDS = 60


@dataclass
class Served:
    """A store, its way in, and what publishes from it."""

    store: Store
    intake: Intake
    publisher: Publisher


@pytest.fixture(scope="module")
def redis() -> Iterator[str]:
    """A Redis of its own."""
    with redis_server() as url:
        yield url


@pytest.fixture(scope="module")
def served(store: Store, intake: Intake, redis: str) -> Iterator[Served]:
    """What publishes there."""
    with publishing(store, redis) as publisher:
        yield Served(store, intake, publisher)


@pytest.fixture
def client(redis: str) -> Iterator[Any]:
    """A client, and an empty Redis."""
    with connected(redis) as opened:
        opened.flushall()
        yield opened


def connected(url: str) -> Any:
    """A client; its types say that everything may be text, which it is not."""
    return Redis.from_url(url)


def until(what: Callable[[], Any]) -> Any:
    """What it gives as soon as it gives anything."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    pause = threading.Event()
    while not (found := what()):
        assert time.monotonic() < deadline, "it never came"
        pause.wait(0.02)
    return found


def track(book: Served, tenant: str, *events: dict[str, Any]) -> None:
    """Send events that are all taken."""
    receipt = book.intake.take_now(json.dumps(events).encode(), "studyin", tenant)
    assert (receipt.ingested, receipt.rejected) == (len(events), [])


def xp(amount: int, user: str = "ada", **more: Any) -> dict[str, Any]:
    """An event."""
    return {"event_type": "XP_EARNED", "user_id": user, "properties": {"xp_amount": amount}} | more


def listed(client: Any, key: str) -> list[dict[str, Any]]:
    """A list."""
    return [json.loads(text) for text in client.lrange(key, 0, -1)]


@pytest.mark.service("redis")
def test_the_structures_are_the_documented_ones(served: Served, client: Any) -> None:
    heard = client.pubsub()
    heard.subscribe("analytics:xp_earned")
    assert heard.get_message(timeout=10)["type"] == "subscribe"
    now = datetime.now(UTC).replace(microsecond=0)
    for n in (1, 2):
        track(served, "default", xp(n * 10, event_id=f"e{n}", timestamp=(now - timedelta(minutes=n)).isoformat()))
    track(served, "default", {"event_type": "session_start", "user_id": "ada", "properties": {"session_id": "s"}})
    until(lambda: client.zcard("analytics:timeline") == 3)
    newest, oldest = listed(client, "analytics:history:xp_earned")
    assert (newest["event_id"], oldest["event_id"]) == ("e2", "e1")
    assert oldest | {"received": None} == {
        "event_id": "e1", "event_type": "xp_earned", "user_id": "ada", "received": None, "tenant_id": "default",
        "timestamp": (now - timedelta(minutes=1)).isoformat().replace("+00:00", "Z"), "properties": {"xp_amount": 10},
    }  # fmt: skip
    assert [entry["session_id"] for entry in listed(client, "analytics:history:session_start")] == ["s"]
    assert [json.loads(text)["event_id"] for text in client.zrange("analytics:timeline", 0, 1)] == ["e2", "e1"]
    assert client.zscore("analytics:timeline", client.lindex("analytics:history:xp_earned", 0)) == (
        now.timestamp() - 120
    )
    told = [json.loads(until(lambda: heard.get_message(timeout=1))["data"]) for _ in range(2)]
    assert [entry["properties"]["xp_amount"] for entry in told] == [10, 20]
    assert client.type("analytics:timeline") == b"zset"
    heard.close()


@pytest.mark.service("redis")
def test_other_tenants_carry_their_name_and_nobody_passes_for_another(served: Served, client: Any) -> None:
    track(served, "school", xp(5))
    track(served, "default", xp(6, event_type="school:xp_earned"), xp(7, event_type="timeline"))
    track(served, "history", xp(8, event_type="xp_earned"))
    until(lambda: len(client.keys("analytics:*")) == 7)
    assert {key.decode() for key in client.keys("analytics:*")} == {
        "analytics:school:timeline",
        "analytics:school:history:xp_earned",
        "analytics:timeline",
        "analytics:history:school%3Axp_earned",
        "analytics:history:timeline",
        "analytics:%68istory:timeline",
        "analytics:%68istory:history:xp_earned",
    }
    assert Names("a:b", is_theirs=False).channel("x") == "analytics:a%3Ab:x"


@pytest.mark.service("redis")
def test_an_event_is_told_once_it_is_visible(served: Served, client: Any) -> None:
    seen: list[int] = []
    sql = "select count() as n from events where tenant = {tenant:String}"

    def look(rows: Any) -> None:
        seen.append(served.store.engine.query(sql, {"tenant": "visible"})[0]["n"] - len(rows))

    stop = served.store.changes.on_commit(look)
    track(served, "visible", xp(1, event_id="a"), xp(2, event_id="b"))
    assert served.intake.take_now(json.dumps(xp(1, event_id="a")).encode(), "studyin", "visible").duplicates == 1
    stop()
    track(served, "visible", xp(3))
    assert seen == [0]
    until(lambda: len(listed(client, "analytics:visible:history:xp_earned")) == 3)


@pytest.mark.service("redis")
def test_a_listener_that_fails_reaches_nobody(served: Served) -> None:
    def fail(rows: Any) -> None:
        raise RuntimeError("oh")

    stop = served.store.changes.on_commit(fail)
    track(served, "failing", xp(1))
    stop()


@pytest.mark.service("redis")
@pytest.mark.parametrize("way", ["opt-out", "restriction"])
def test_who_opts_out_leaves_redis_and_is_not_told_of_again(served: Served, client: Any, way: str) -> None:
    tenant = f"consent-{way}"
    track(served, tenant, xp(1), xp(2, "bo"))
    key = f"analytics:{tenant}:history:xp_earned"
    until(lambda: len(listed(client, key)) == 2)
    if way == "opt-out":
        decide(served.store, tenant, Decision(user="ada", purpose="analytics", given=False))
    else:
        restrict(served.store, tenant, "ada", True)
        track(served, tenant, xp(3))
    track(served, tenant, xp(4, "bo"))
    # of bo the one from before and the one after; the list first, then the timeline
    until(lambda: [entry["properties"]["xp_amount"] for entry in listed(client, key)] == [4, 2])
    until(lambda: client.zcard(f"analytics:{tenant}:timeline") == 2)
    told = client.zrange(f"analytics:{tenant}:timeline", 0, -1)
    assert {json.loads(text)["user_id"] for text in told} == {"bo"}


def test_who_opts_out_leaves_within_a_second() -> None:
    assert publisher.TICK_SECONDS + publisher.SWEEP_SECONDS + standing.AT_MOST_SECONDS_OLD < 1


@pytest.mark.service("redis")
def test_an_erasure_removes_them_and_says_so(
    served: Served, client: Any, redis: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = "ada.lovelace@school.example"
    naming = xp(3, "bo", properties={"note": f"with {person}, of course"})
    track(served, "erased", xp(1, person), xp(2, "bo"), naming)
    until(lambda: client.zcard("analytics:erased:timeline") == 3)
    known = subject(served.store, "erased", person)
    monkeypatch.setattr(served.store, "settings", served.store.settings.model_copy(update={"redis_url": redis}))
    # two in the list, two in the timeline
    done = STEPS["redis"](Erasure(served.store, "erased", "a request", known))
    assert done == {"keys": 0, "events": 4}
    (left,) = listed(client, "analytics:erased:history:xp_earned")
    assert (left["user_id"], left["properties"]) == ("bo", {"xp_amount": 2})
    whole = b"".join(b"".join(client.lrange(key, 0, -1)) for key in client.keys("analytics:erased:history:*"))
    assert person.encode() not in whole + b"".join(client.zrange("analytics:erased:timeline", 0, -1))


@pytest.mark.service("redis")
def test_pseudonyms_are_what_is_published(served: Served, client: Any) -> None:
    tenants_of(served.store).create("veiled", pseudonyms=True)
    track(served, "veiled", xp(1))
    until(lambda: client.zcard("analytics:veiled:timeline"))
    (entry,) = listed(client, "analytics:veiled:history:xp_earned")
    assert entry["user_id"].startswith("p1_")


@pytest.mark.service("redis")
def test_what_is_old_leaves(served: Served, client: Any, redis: str) -> None:
    week_ago = (datetime.now(UTC) - timedelta(days=8)).isoformat()
    track(served, "aging", xp(1, timestamp=week_ago), *(xp(n) for n in range(2, 6)))
    until(lambda: client.zcard("analytics:aging:timeline") == 4)
    history, now = History(redis), datetime.now(UTC)
    assert history.expire(now, lambda tenant: 7) == 0
    # a tenant that keeps its events for two days only
    assert history.expire(now + timedelta(days=3), lambda tenant: 2) == 8
    assert client.keys("analytics:aging:*") == []
    assert history.expire(now, lambda tenant: 7) == 0


@pytest.mark.service("redis")
def test_lists_have_an_end(store: Store, intake: Intake) -> None:
    with redis_server() as url, publishing(store, url, most=3) as publisher, connected(url) as client:
        track(Served(store, intake, publisher), "default", *(xp(n) for n in range(40)))
        until(lambda: client.zcard("analytics:timeline") == 30)
        found = [entry["properties"]["xp_amount"] for entry in listed(client, "analytics:history:xp_earned")]
        assert found == [39, 38, 37]
        assert client.ttl("analytics:timeline") > 7 * 86_400


@pytest.mark.service("redis")
def test_a_redis_that_is_away_costs_nothing_but_what_is_counted(store: Store, intake: Intake) -> None:
    port = free_port()
    with publishing(store, f"redis://127.0.0.1:{port}/0", waiting=5) as publisher:
        book = Served(store, intake, publisher)
        until(lambda: publisher.state() != "ok")
        track(book, "default", *(xp(n) for n in range(8)))
        assert publisher.left_out == 3
        assert "not reachable" in publisher.state()
        assert "5 events wait, 3 were left out" in publisher.state()
        with redis_server(port) as url, connected(url) as client:
            until(lambda: client.zcard("analytics:timeline") == 5)
            until(lambda: publisher.state() == "ok")
            track(book, "default", xp(9))
            until(lambda: client.zcard("analytics:timeline") == 6)


@pytest.mark.service("redis")
def test_a_redis_that_refuses_does_not_hold_up_the_rest(served: Served, client: Any) -> None:
    publisher = served.publisher
    before = publisher.left_out
    client.set("analytics:refusing:timeline", "not a sorted set")
    track(served, "refusing", xp(1))
    until(lambda: publisher.left_out == before + 1)
    track(served, "after", xp(2))
    until(lambda: client.zcard("analytics:after:timeline") == 1)


def test_without_redis_or_when_it_is_not_wanted_nothing_is_published(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert publisher_of(store) is None
    unwanted = {"redis_url": "redis://127.0.0.1:1/0", "redis_events": False}
    monkeypatch.setattr(store, "settings", store.settings.model_copy(update=unwanted))
    assert publisher_of(store) is None


@pytest.mark.service("redis")
def test_health_says_whether_redis_answers(tmp_path: Path) -> None:
    with redis_server() as url, serving(tmp_path / "book", ROLLBOOK_AUTH="none", REDIS_URL=url) as server:
        assert until(lambda: httpx.get(f"{server.address}/health").json()["checks"].get("redis")) == "ok"
        event = {"event_type": "XP_EARNED", "user_id": "ada", "properties": {"xp_amount": 5}}
        httpx.post(f"{server.address}/api/analytics/events/track", json=event)
        with connected(url) as client:
            until(lambda: client.llen("analytics:history:xp_earned") == 1)
    away = {"ROLLBOOK_AUTH": "none", "REDIS_URL": f"redis://127.0.0.1:{free_port()}/0"}
    with serving(tmp_path / "book", **away) as server:

        def trouble() -> Any:
            told = httpx.get(f"{server.address}/health").json()
            return told if "not reachable" in told["checks"]["redis"] else None

        assert until(trouble)["status"] == "ok"
