"""The event bus: handlers hear of what is committed, in the process and through a real Redis."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

import pytest
from structlog.testing import capture_logs

from rollbook.errors import Invalid, Unavailable
from rollbook.governance.consent import restrict
from rollbook.tracker import AnalyticsTracker, EventBus, EventType, TrackedEvent, get_event_bus
from tests.publishing import publishing
from tests.services import free_port, redis_server
from tests.tracker.conftest import Opened

PATIENCE_SECONDS = 60


async def come(what: Callable[[], Any]) -> None:
    """Wait until it is so."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not what():
            await asyncio.sleep(0.02)


async def documented(bus: EventBus, tracker: AnalyticsTracker) -> None:
    """The document's example, and what a handler may do wrong."""
    heard: list[TrackedEvent] = []
    others: list[str] = []

    async def handle_xp_event(event: TrackedEvent) -> None:
        heard.append(event)
        if event.xp_amount == 13:
            raise ValueError("unlucky")

    await bus.subscribe([EventType.XP_EARNED], handle_xp_event)
    await bus.start_listening()
    await bus.subscribe(["LEVEL_UP", "xp_earned"], lambda event: others.append(event.event_type))
    for amount in (13, 20):
        await tracker.track("XP_EARNED", "ada", {"xp_amount": amount})
    await tracker.track(EventType.LEVEL_UP, "ada", {"level": 2})
    await tracker.track(EventType.SEARCH_QUERY, "ada")
    await come(lambda: len(others) == 3)
    assert [(event.user_id, event.xp_amount) for event in heard] == [("ada", 13), ("ada", 20)]
    assert others == ["xp_earned", "xp_earned", "level_up"]
    with pytest.raises(AttributeError, match="no property 'colour'"):
        _ = heard[0].colour
    await bus.unsubscribe(handle_xp_event)
    await tracker.track("XP_EARNED", "ada", {"xp_amount": 30})
    await come(lambda: len(others) == 4)
    assert len(heard) == 2


def test_in_the_process(book: Opened, tenant: str) -> None:
    async def check() -> None:
        bus = get_event_bus(book, tenant=tenant)
        assert get_event_bus(book, tenant=tenant) is bus
        await documented(bus, AnalyticsTracker(book, tenant=tenant))
        with pytest.raises(Invalid, match="only Redis"):
            await bus.history("xp_earned")
        await bus.stop()

    with capture_logs() as written:
        asyncio.run(check())
    assert [line["event_type"] for line in written if line["event"] == "handler_failed"] == ["xp_earned"]


def test_nothing_is_told_of_other_tenants_or_of_who_is_restricted(book: Opened, tenant: str) -> None:
    async def check() -> None:
        heard: list[str] = []
        bus = get_event_bus(book, tenant=tenant)
        await bus.subscribe([EventType.XP_EARNED], lambda event: heard.append(event.user_id))
        await bus.start_listening()
        await AnalyticsTracker(book, tenant=f"{tenant}-other").track("xp_earned", "stranger")
        await asyncio.to_thread(restrict, book.store, tenant, "ada", True)
        for user in ("ada", "bo"):
            await AnalyticsTracker(book, tenant=tenant).track("xp_earned", user)
        await come(lambda: heard)
        assert heard == ["bo"]
        await bus.stop()

    asyncio.run(check())


@pytest.mark.service("redis")
def test_through_redis(book: Opened, tenant: str) -> None:
    async def check(url: str) -> None:
        bus = get_event_bus(redis_url=url, tenant=tenant)
        await documented(bus, AnalyticsTracker(book, tenant=tenant))
        newest, *_ = await bus.history(EventType.XP_EARNED, 2)
        assert (newest.xp_amount, newest.user_id) == (30, "ada")
        with pytest.raises(Invalid, match="count"):
            await bus.history("xp_earned", 0)
        await bus.stop()
        theirs, heard = get_event_bus(redis_url=url), list[int]()
        await theirs.subscribe([EventType.XP_EARNED], lambda event: heard.append(event.xp_amount))
        await theirs.start_listening()
        await AnalyticsTracker(book, tenant=tenant).track("XP_EARNED", "ada", {"xp_amount": 1})
        await AnalyticsTracker(book).track("XP_EARNED", "ada", {"xp_amount": 2})
        await come(lambda: heard)
        assert heard == [2]
        await theirs.stop()

    with redis_server() as url, publishing(book.store, url):
        asyncio.run(check(url))


@pytest.mark.service("redis")
def test_a_cut_connection_is_made_anew(book: Opened) -> None:
    port = free_port()
    url = f"redis://127.0.0.1:{port}/0"

    async def check(servers: contextlib.ExitStack) -> None:
        bus, heard = get_event_bus(redis_url=url), list[int]()
        with pytest.raises(Unavailable, match="does not answer"):
            await bus.start_listening()
        with redis_server(port):
            await bus.subscribe([EventType.XP_EARNED], lambda event: heard.append(event.xp_amount))
            await bus.start_listening()
            await AnalyticsTracker(book).track("XP_EARNED", "ada", {"xp_amount": 1})
            await come(lambda: heard)
        servers.enter_context(redis_server(port))
        number = 1
        async with asyncio.timeout(PATIENCE_SECONDS):
            while len(heard) < 2:
                number += 1
                await AnalyticsTracker(book).track("XP_EARNED", "ada", {"xp_amount": number})
                await asyncio.sleep(0.2)
        await bus.stop()

    with contextlib.ExitStack() as servers, publishing(book.store, url):
        asyncio.run(check(servers))


def test_without_redis_it_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("REDIS_URL", "REDIS_HOST"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(Invalid, match="set REDIS_URL"):
        get_event_bus()
