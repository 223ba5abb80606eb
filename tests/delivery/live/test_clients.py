"""What waits for a client has a bound; who is too slow goes, is told where to go on, and loses nothing."""

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import httpx
import pyarrow as pa
import pytest

from rollbook.analyses.arrivals import MOST_ARRIVALS, Position, Wanted
from rollbook.bench import live
from rollbook.bench.processes import serving as bench_serving
from rollbook.delivery.live.clients import TRY_AGAIN, Client, Subscription, Topic
from rollbook.delivery.live.messages import said, told
from rollbook.delivery.live.touched import summed
from rollbook.errors import Invalid
from rollbook.governance.grants import Grant
from rollbook.store import Scope
from rollbook.store.asking.changes import Changed, Committed
from tests.delivery.browsing import served, serving
from tests.delivery.live.watching import seen, send, watching

NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)


def drained(client: Client, sent: int) -> list[dict[str, Any]]:
    """The next messages of a client, as if they were sent."""

    async def take() -> list[dict[str, Any]]:
        found = []
        for _ in range(sent):
            message = await client.next()
            assert message is not None
            client.sent(message)
            found.append(json.loads(message.body()))
        return found

    return asyncio.run(take())


def test_too_many_messages_or_bytes_drop_a_client_and_say_where_it_stood() -> None:
    for most, most_bytes in ((3, 1 << 20), (1_000, 200)):
        client = Client(Grant("school"), most=most, most_bytes=most_bytes)
        one = Subscription(client, "a", client.grant, cast(Topic, None), position=Position(NOW))
        client.subscriptions["a"] = one
        for number in range(2):
            one.send("event", b'"event":%d}' % number, Position(NOW, str(number)))
        assert [message["seq"] for message in drained(client, 2)] == [1, 2]
        for number in range(2, 10):
            one.send("event", b'"event":"%s"}' % (b"x" * 40), Position(NOW, str(number)))
        client.put(told("never sent"))
        [gone] = drained(client, 1)
        assert (gone["type"], gone["reason"]) == ("gone", "slow")
        assert client.code == TRY_AGAIN
        # behind what was sent, not what only waited
        assert Position.read(gone["resume"]["a"]) == Position(NOW, "1")
        assert client.is_idle()


def test_tokens_of_positions_come_back_and_others_are_refused() -> None:
    for position in (Position(NOW), Position(NOW, "e1"), Position(NOW, "é☺\n\0" * 50), Position.behind(NOW)):
        assert Position.read(position.text()) == position
        assert position.text().isascii()
    assert Position(NOW, "z") < Position.behind(NOW)
    for wrong in ("", "x", "W10", "e30", "WzEsMiwzXQ", "W251bGwsIiJd", "WzFlOTk5LCIiXQ", "é", "A" * 5_000):
        with pytest.raises(Invalid, match="token"):
            Position.read(wrong)


@pytest.mark.parametrize("text", ["", "null", "[]", '{"type": "subscribe"}', '{"type": "ping", "more": 1}', "\ud800"])
def test_what_no_client_may_say_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        said(text)


def test_only_what_may_be_touched_is_asked_anew() -> None:
    rows = {"tenant": ["a", "a", "b"], "user": ["ada", "bo", "cy"], "course": ["art", "", ""], "type": ["x", "y", "x"]}
    touched = summed([Committed(NOW, pa.table(rows)), Changed("c")])
    everyone, art = Scope("a", NOW), Scope("a", NOW, courses=("art",))
    ada, dee = Scope("a", NOW, users=("ada",)), Scope("a", NOW, users=("dee",))
    one = touched["a"]
    assert [one.may_change(scope) for scope in (everyone, art, ada, dee)] == [True, True, True, False]
    assert one.may_hold(everyone, Wanted(types=("y",)))
    assert not one.may_hold(everyone, Wanted(types=("z",)))
    assert not one.may_hold(everyone, Wanted(courses=("maths",)))
    assert touched["c"].may_change(dee)
    # nothing was committed there
    assert not touched["c"].may_hold(everyone, Wanted())
    # another process does not say which events they are
    elsewhere = summed([Committed(NOW, pa.table({"tenant": ["a"]}))])["a"]
    assert elsewhere.may_change(dee)
    assert elsewhere.may_hold(dee, Wanted(types=("z",)))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A server with open access."""
    with serving(tmp_path_factory.mktemp("clients")) as client:
        yield client


def test_who_does_not_read_is_dropped_and_loses_nothing(server: httpx.Client) -> None:
    sent: set[str] = set()
    large = "x" * 8_000
    with watching(server) as client:
        client.watch("all", events={}, tenant_id="slow")
        for batch in range(4):
            events = [seen(f"{batch}-{n}", note=large) for n in range(MOST_ARRIVALS // 5)]
            send(server, *events, tenant="slow")
            sent |= {event["event_id"] for event in events}
        heard = []
        while (message := client.hear())["type"] == "event":
            heard.append(message)
        assert (message["type"], message["reason"]) == ("gone", "slow")
        resume = message["resume"]["all"]
    assert 0 < len(heard) < len(sent)
    while len(heard) < len(sent):
        with watching(server) as client:
            client.watch("all", events={}, tenant_id="slow", resume=resume)
            while len(heard) < len(sent) and (message := client.hear())["type"] == "event":
                heard.append(message)
            resume = heard[-1]["resume"] if message["type"] == "event" else message["resume"]["all"]
    ids = [message["event"]["event_id"] for message in heard]
    assert len(ids) == len(set(ids))
    assert set(ids) == sent


def test_more_connections_than_allowed_are_told_to_come_again(tmp_path: Path) -> None:
    program = "from rollbook.cli import app; app()"
    with served(tmp_path, program, ROLLBOOK_LIVE_CLIENTS="1") as client, watching(client) as first:
        first.watch("all", question="totals")
        with watching(client) as second:
            assert second.hear()["status"] == 503
        answer = client.get("/api/v2/live/events")
        assert answer.status_code == 503
        assert "ROLLBOOK_LIVE_CLIENTS" in answer.json()["detail"]
        first.until("answer")
        # the server stops while somebody watches: it says so, and does not wait
        first.say(type="ping")
        assert first.until("pong") == {"type": "pong"}
    # the server has been told to stop when `served` ended


@pytest.mark.slow
def test_a_thousand_clients_hear_of_every_event_once(tmp_path: Path) -> None:
    with bench_serving(tmp_path / "thousand") as process:
        for what in live.WATCHED:
            found = live.watching(process, what, 1_000, 3)
            assert (found.missing, found.repeated) == (0, 0)
            assert len(found.seconds) == 3_000
