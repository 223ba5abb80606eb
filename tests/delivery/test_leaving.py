"""Leaving: who goes away ends what is asked for them; who stays gets the answer; the kept ones say so."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from typing import Any

import anyio.to_thread
import httpx
import pytest

from rollbook.delivery import leaving
from rollbook.delivery.leaving import Leaving
from rollbook.store import Store
from rollbook.store.asking.turns import asking
from tests.delivery.browsing import served
from tests.delivery.serving import serve
from tests.stories import happened, tell

PAST = {"as_of": "2026-03-08T00:00:00Z"}


def scope(path: str = "/api/v2/ask/totals", method: str = "GET") -> dict[str, Any]:
    """A request."""
    return {"type": "http", "path": path, "method": method, "headers": []}


async def _sent(_: Any) -> None:
    """Nobody listens."""


def test_who_leaves_gives_up_what_runs() -> None:
    async def story() -> list[str]:
        killed: list[str] = []
        left, running = asyncio.Event(), asyncio.Event()
        ended = threading.Event()

        async def receive() -> dict[str, Any]:
            await left.wait()
            return {"type": "http.disconnect"}

        def kill(mark: str) -> None:
            killed.append(mark)
            ended.set()

        async def app(*_: Any) -> None:
            call = asking.get()
            assert call is not None
            with call.running("mark", kill):
                left.set()
                await asyncio.to_thread(ended.wait)
            running.set()

        await Leaving(app)(scope(), receive, _sent)
        assert running.is_set()
        return killed

    assert asyncio.run(story()) == ["mark"]


def test_the_application_hears_what_the_caller_sends_and_that_they_left() -> None:
    async def story() -> list[str]:
        sent: list[dict[str, Any]] = [{"type": "http.request", "body": body} for body in (b"a", b"b")]
        told = iter(sent)
        heard: list[str] = []

        async def receive() -> dict[str, Any]:
            return next(told, {"type": "http.disconnect"})

        async def app(_: Any, receive: Any, __: Any) -> None:
            for _ in range(4):
                message = await receive()
                heard.append(message.get("body", message["type"]))

        await Leaving(app)(scope("/export", "POST"), receive, _sent)
        return heard

    assert asyncio.run(story()) == [b"a", b"b", "http.disconnect", "http.disconnect"]


@pytest.mark.parametrize(
    ("path", "method"),
    [("/api/v2/roster", "PUT"), ("/api/v2/live/events", "GET"), ("/api/v2/privacy/requests", "POST")],
)
def test_what_changes_something_is_never_given_up(path: str, method: str) -> None:
    async def app(*_: Any) -> None:
        assert asking.get() is None

    async def receive() -> dict[str, Any]:
        raise AssertionError("nobody but the application may listen")

    asyncio.run(Leaving(app)(scope(path, method), receive, _sent))


def test_an_answer_says_whether_it_was_kept(store: Store, tenant: str) -> None:
    tell(store, tenant, [happened("seen")])
    client = serve(store)

    def asked(**more: str) -> tuple[str | None, str | None]:
        answer = client.get("/api/v2/ask/totals", params={"tenant_id": tenant, **more})
        assert answer.status_code == 200, answer.text
        assert answer.headers["cache-control"] == "no-store"
        return answer.headers.get("x-cache"), answer.headers.get("age")

    assert asked() == ("off", None)
    assert asked(**PAST) == ("miss", None)
    assert asked(**PAST) == ("hit", "0")
    assert asked(**PAST, format="csv") == ("hit", "0")
    tell(store, tenant, [happened("seen")])
    assert asked(**PAST) == ("miss", None)


def test_there_is_a_thread_for_each_who_may_ask_or_wait_and_for_others() -> None:
    async def story() -> list[int]:
        limiter = anyio.to_thread.current_default_thread_limiter()
        found = []
        for limit in (1, 10, 100):
            leaving.make_room(limit)
            found.append(int(limiter.total_tokens))
        return found

    assert asyncio.run(story()) == [41, 50, 320]


SLOW = """
    from rollbook.analyses.totals import Totals
    from rollbook.cli import app

    endless = "from numbers(1000000000000) where number >= (select count() from scope where false)"
    Totals.sql = "select sum(sipHash64(number)) as events, 0 as people, null as first, null as last " + endless
    app()
"""


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A server on which one question never ends by itself."""
    with served(tmp_path_factory.mktemp("slow"), SLOW, PARALLEL_QUERY_LIMIT="1") as client:
        yield client


def test_a_real_caller_who_hangs_up_frees_their_turn(slow: httpx.Client) -> None:
    host, port = str(slow.base_url.host), slow.base_url.port or 0
    for _ in range(3):
        with socket.create_connection((host, port)) as caller:
            caller.sendall(b"GET /api/v2/ask/totals HTTP/1.1\r\nHost: localhost\r\n\r\n")
            # it runs: the only turn is taken when the other one is refused or has to wait
            with pytest.raises(httpx.ReadTimeout):
                slow.get("/api/v2/ask/totals", timeout=1)
    # all turns are free again, and nothing is stuck
    assert slow.get("/api/v2/ask/events_by_day", timeout=60).status_code == 200
    assert slow.get("/health").status_code == 200
