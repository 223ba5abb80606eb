"""Tickets let a stream in once; a watch closes it when what was allowed has ended."""

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterator
from datetime import date, timedelta
from typing import Any

import anyio.to_thread
import pytest
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect

from rollbook.errors import Forbidden, TooMany, Unauthenticated, Unavailable
from rollbook.governance.caller import Caller
from rollbook.governance.credentials import Credentials
from rollbook.governance.grants import Grant
from rollbook.governance.streams import Tickets, Watch
from rollbook.governance.tenants import tenants_of
from rollbook.store import Store
from tests.governance.access.showing import gated, known, scope_of
from tests.services import redis_server

ADA = Caller("school", frozenset({"learner"}), "token:ada", subject="ada", until=2_000_000_000.5)
KEY = Caller(
    "school", frozenset({"service"}), "key:3f2a", only=frozenset({"ask_many"}), origins=frozenset({"https://a"})
)


class Clock:
    """A clock that moves when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(scope="module")
def redis_url() -> Iterator[str]:
    """A Redis for these tests."""
    with redis_server() as url:
        yield url


@pytest.fixture(params=["memory", pytest.param("redis", marks=pytest.mark.service("redis"))])
def url(request: pytest.FixtureRequest) -> str | None:
    """Where tickets are kept: every test that takes it runs over both."""
    return request.getfixturevalue("redis_url") if request.param == "redis" else None


def run(story: Callable[[Tickets], Coroutine[Any, Any, None]], tickets: Tickets) -> None:
    """Live a story with tickets."""

    async def living() -> None:
        await story(tickets)
        await tickets.close()

    asyncio.run(living())


def test_a_ticket_is_good_once_and_its_givers_alone(url: str | None) -> None:
    async def story(tickets: Tickets) -> None:
        one, other = await tickets.give(ADA), await tickets.give(KEY)
        assert one != other
        assert len(one) >= 43
        assert await tickets.use(other) == KEY
        assert await tickets.use(one) == ADA
        assert [await tickets.use(ticket) for ticket in (one, other, one + "x", "", "x" * 5000)] == [None] * 5

    run(story, Tickets(url))


def test_of_many_who_use_a_ticket_at_once_one_gets_in(url: str | None) -> None:
    async def story(tickets: Tickets) -> None:
        ticket = await tickets.give(ADA)
        found = await asyncio.gather(*(tickets.use(ticket) for _ in range(20)))
        assert sum(one is not None for one in found) == 1

    run(story, Tickets(url))


def test_a_ticket_is_good_for_30_seconds() -> None:
    clock = Clock()

    async def story(tickets: Tickets) -> None:
        early, late = await tickets.give(ADA), await tickets.give(ADA)
        clock.now += 29.9
        assert await tickets.use(early) == ADA
        clock.now += 0.2
        assert await tickets.use(late) is None

    run(story, Tickets(clock=clock))


@pytest.mark.service("redis")
def test_redis_forgets_a_ticket_by_itself_and_never_holds_it(redis_url: str) -> None:
    async def story(tickets: Tickets) -> None:
        ticket = await tickets.give(ADA)
        redis = tickets._redis
        assert redis is not None
        names = [name async for name in redis.scan_iter("rollbook:ticket:*")]
        assert len(names) == 1
        assert ticket.encode() not in names[0]
        assert ticket not in str(await redis.get(names[0]))
        assert 25 <= await redis.ttl(names[0]) <= 30
        assert await tickets.use(ticket) == ADA

    run(story, Tickets(redis_url))


def test_tickets_that_wait_have_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rollbook.governance.streams.tickets.MOST_WAITING", 3)
    clock = Clock()

    async def story(tickets: Tickets) -> None:
        for _ in range(3):
            await tickets.give(ADA)
        with pytest.raises(TooMany):
            await tickets.give(ADA)
        clock.now += 31
        await tickets.give(ADA)

    run(story, Tickets(clock=clock))


def test_without_redis_there_are_no_tickets() -> None:
    async def story(tickets: Tickets) -> None:
        with pytest.raises(Unavailable):
            await tickets.give(ADA)
        with pytest.raises(Unavailable):
            await tickets.use("x")

    run(story, Tickets("redis://127.0.0.1:1/0"))


def test_a_ticket_over_http_opens_a_stream_and_nothing_else(store: Store, tenant: str) -> None:
    tenants_of(store).create(tenant)
    client, credentials = gated(store)
    reader, row = credentials.keys.create(tenant, "read")
    ingest, _ = credentials.keys.create(tenant, "ingest")
    given = client.post("/api/v2/live/tickets", headers={"x-api-key": reader})
    assert given.status_code == 201
    assert given.json()["expires_in"] == 30
    assert client.post("/api/v2/live/tickets", headers={"x-api-key": ingest}).status_code == 403
    assert client.post("/api/v2/live/tickets").status_code == 401

    query = f"ticket={given.json()['ticket']}"
    assert known(credentials, scope_of("/api/v2/ask/totals", query=query)) is None
    caller = known(credentials, scope_of("/api/v2/live/events", query=query))
    assert caller is not None
    assert caller.credential == f"key:{row['id']}"
    with pytest.raises(Unauthenticated):
        known(credentials, scope_of("/api/v2/live/events", query=query))


def test_a_ticket_is_held_to_the_pages_of_its_key(store: Store, tenant: str) -> None:
    tenants_of(store).create(tenant)
    client, credentials = gated(store)
    key, _ = credentials.keys.create(tenant, "read", origins=["https://a.example"])

    def opened(origin: str) -> Caller | None:
        ticket = client.post("/api/v2/live/tickets", headers={"x-api-key": key}).json()["ticket"]
        return known(credentials, scope_of("/api/v2/live/events", query=f"ticket={ticket}", origin=origin))

    assert opened("https://a.example") is not None
    with pytest.raises(Forbidden):
        opened("https://evil.example")


def test_a_stream_closes_when_its_key_is_revoked(store: Store, tenant: str) -> None:
    """The whole way: a ticket by HTTP, a WebSocket with it, a revoked key, a closed socket."""
    tenants_of(store).create(tenant)
    client, credentials = gated(store)
    key, row = credentials.keys.create(tenant, "read")
    with TestClient(streaming(store, credentials)) as streams:
        given = client.post("/api/v2/live/tickets", headers={"x-api-key": key}).json()
        address = f"/api/v2/live/ticks?ticket={given['ticket']}"
        with streams.websocket_connect(address) as socket:
            assert socket.receive_text() == f"key:{row['id']}"
            assert socket.receive_text() == "still here"
            credentials.keys.revoke(tenant, row["id"])
            with pytest.raises(WebSocketDisconnect) as closed:
                list(iter(socket.receive_text, "never said"))
        assert closed.value.code == 1008
        for refused in (address, "/api/v2/live/ticks", "/api/v2/live/ticks?ticket=x"):
            with pytest.raises(WebSocketDisconnect), streams.websocket_connect(refused):
                pass


def streaming(store: Store, credentials: Credentials) -> Starlette:
    """The smallest stream: it says who it is for, then that it is still here, for as long as it may."""
    watch = Watch(store, credentials.is_good)

    async def ticks(socket: WebSocket) -> None:
        try:
            caller = await credentials.caller(socket.scope)
        except Unauthenticated:
            caller = None
        if caller is None:
            await socket.close(1008)
            return
        grant = Grant(caller.tenant, caller=caller)
        await socket.accept()
        await socket.send_text(caller.credential)
        while await anyio.to_thread.run_sync(watch.still_good, grant):
            await socket.send_text("still here")
            await asyncio.sleep(0.01)
        await socket.close(1008)

    return Starlette(routes=[WebSocketRoute("/api/v2/live/ticks", ticks)])


def test_a_stream_ends_with_its_token(store: Store) -> None:
    now = time.time()
    watch = Watch(store, lambda _: True, clock=lambda: now)
    ada = Caller("school", frozenset({"analyst"}), "token:ada", subject="ada", until=now + 60)
    grant = Grant("school", cells=True, caller=ada)
    assert watch.still_good(grant)
    now += 60
    assert not watch.still_good(grant)
    assert watch.still_good(Grant("school"))


def test_a_stream_ends_with_the_membership(store: Store, tenant: str) -> None:
    tenants_of(store).create(tenant, pseudonyms=False)
    store.records.put_courses({"tenant": tenant, "id": course} for course in ("algebra", "biology"))
    teaches(store, tenant, "algebra", None)
    teaches(store, tenant, "biology", None)
    watch = Watch(store, lambda _: True)
    eve = Caller(tenant, frozenset({"educator"}), "token:eve", subject="eve")
    both, one = (Grant(tenant, courses=courses, caller=eve) for courses in (("algebra", "biology"), ("algebra",)))
    assert watch.still_good(both)
    teaches(store, tenant, "biology", date.today() - timedelta(days=2))
    assert not watch.still_good(both)
    assert watch.still_good(one)


def test_a_learner_keeps_seeing_themselves_and_not_a_ward_that_is_none(store: Store, tenant: str) -> None:
    watch = Watch(store, lambda _: True)
    eve = Caller(tenant, frozenset({"learner", "guardian"}), "token:eve", subject="eve")
    assert watch.still_good(Grant(tenant, users=("eve",), caller=eve))
    assert not watch.still_good(Grant(tenant, users=("eve", "kim"), caller=eve))


def teaches(store: Store, tenant: str, course: str, until: date | None) -> None:
    """Eve teaches a course until a day on which she is gone."""
    row = {"course": course, "user": "eve", "role": "educator", "begins": None, "ends": until}
    with store.records.people.roster(tenant) as roster:
        roster.put_memberships([row | {"source": "roster", "ref": "", "seen": ""}])
