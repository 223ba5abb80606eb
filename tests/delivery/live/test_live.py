"""Live over real sockets: what is watched is sent when it changes, once, in order, and can be taken up again."""

import itertools
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from rollbook.analyses.arrivals import MOST_ARRIVALS
from tests.delivery.browsing import serving
from tests.delivery.live.watching import seen, send, streaming, watching

_tenants = itertools.count()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A server with open access."""
    with serving(tmp_path_factory.mktemp("live")) as client:
        yield client


@pytest.fixture
def mine() -> str:
    """A tenant that no other test has."""
    return f"live-{next(_tenants)}"


def totals(message: dict[str, Any]) -> tuple[int, int]:
    """Events and people of an answer."""
    [row] = message["answer"]["rows"]
    return row["events"], row["people"]


def test_an_answer_comes_at_once_and_again_when_it_changes(server: httpx.Client, mine: str) -> None:
    with watching(server) as client:
        client.watch("all", question="totals", tenant_id=mine)
        first = client.until("answer", "all")
        assert (first["seq"], totals(first)) == (1, (0, 0))
        assert first["answer"]["question"] == "totals"
        send(server, seen("1"), seen("2", "bo"), tenant=mine)
        second = client.until("answer", "all")
        assert (second["seq"], totals(second)) == (2, (2, 2))
        # what changes nothing is not sent: a duplicate, another tenant's event
        send(server, seen("3"), tenant=f"{mine}-other")
        assert server.post("/api/v2/events", params={"tenant_id": mine}, json=[seen("1")]).json()["duplicates"] == 1
        send(server, seen("4"), tenant=mine)
        third = client.until("answer", "all")
        assert (third["seq"], totals(third)) == (3, (3, 2))


def test_events_come_once_in_the_order_of_commits_and_only_those_wanted(server: httpx.Client, mine: str) -> None:
    send(server, seen("before"), tenant=mine)
    with watching(server) as client:
        client.watch("all", events={}, tenant_id=mine)
        client.watch("some", events={"types": ["quiz"], "courses": ["art"], "users": ["ada", "bo"]}, tenant_id=mine)
        wanted = seen("3", "bo", "quiz", course_id="art", score=80, more={"deep": [1, None]})
        send(server, seen("1"), seen("2", "ada", "quiz", course_id="maths"), wanted, tenant=mine)
        send(server, seen("4", "cy", "quiz", course_id="art"), tenant=mine)
        heard = [client.until("event") for _ in range(5)]
        everything = [one for one in heard if one["id"] == "all"]
        assert [one["event"]["event_id"] for one in everything] == ["1", "2", "3", "4"]
        assert [one["seq"] for one in everything] == [1, 2, 3, 4]
        [some] = [one for one in heard if one["id"] == "some"]
        event = some["event"]
        assert (event["event_id"], event["user_id"], event["course_id"], event["score"]) == ("3", "bo", "art", 80)
        assert event["properties"]["more"] == {"deep": [1, None]}
        # who unsubscribes hears no more
        client.say(type="unsubscribe", id="all")
        client.until("unsubscribed", "all")
        send(server, seen("5"), seen("6", "ada", "quiz", course_id="art"), tenant=mine)
        last = client.until("event")
        assert (last["id"], last["event"]["event_id"], last["seq"]) == ("some", "6", 2)


def test_who_was_away_resumes_without_losing_or_repeating_an_event(server: httpx.Client, mine: str) -> None:
    with watching(server) as client:
        client.watch("all", events={}, tenant_id=mine)
        send(server, *(seen(f"a{n}") for n in range(3)), tenant=mine)
        heard = [client.until("event") for _ in range(3)]
    send(server, *(seen(f"b{n}") for n in range(50)), tenant=mine)
    with watching(server) as client:
        # from the middle of a commit
        client.watch("all", events={}, tenant_id=mine, resume=heard[1]["resume"])
        send(server, seen("c"), tenant=mine)
        ids = [client.until("event")["event"]["event_id"] for _ in range(52)]
    missed = heard[2]["event"]["event_id"]
    assert ids[0] == missed
    assert sorted(ids[1:51]) == sorted(f"b{n}" for n in range(50))
    assert ids[51] == "c"


def test_server_sent_events_and_their_last_id(server: httpx.Client, mine: str) -> None:
    watched = {"tenant_id": mine, "types": "seen,quiz"}
    with streaming(server, params=watched) as messages:
        assert next(messages)["type"] == "subscribed"
        send(server, seen("1"), seen("x", type="other"), seen("2", type="quiz"), tenant=mine)
        heard = [next(messages) for _ in range(2)]
        assert [one["event"]["event_id"] for one in heard] == ["1", "2"]
    send(server, seen("3"), tenant=mine)
    for shown in ({"headers": {"Last-Event-ID": heard[0]["sse_id"]}}, {}):
        more = {} if shown else {"last_event_id": heard[0]["sse_id"]}
        with streaming(server, params=watched | more, **shown) as messages:
            told = [next(messages) for _ in range(3)]
            assert [one["event"]["event_id"] for one in told[1:]] == ["2", "3"]


def test_one_stream_watches_many_things(server: httpx.Client, mine: str) -> None:
    wishes = [
        '{"id": "sum", "question": "totals", "parameters": {"days": 7}}',
        '{"id": "happened", "events": {}}',
        '{"id": "page", "overview": {"days": 7}}',
    ]
    with streaming(server, params={"tenant_id": mine, "subscribe": wishes}) as messages:
        first = [next(messages) for _ in range(5)]
        assert {(one["type"], one["id"]) for one in first if one["type"] == "answer"} == {
            ("answer", "sum"),
            ("answer", "page"),
        }
        send(server, seen("1"), tenant=mine)
        heard = {one["id"]: one for one in (next(messages) for _ in range(3))}
        assert totals(heard["sum"]) == (1, 1)
        assert heard["happened"]["event"]["event_id"] == "1"
        figures = {one["name"]: one["value"] for one in heard["page"]["answer"]["figures"]}
        assert figures["events"] == 1


def test_a_metric_comes_when_its_samples_do(server: httpx.Client, mine: str) -> None:
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    query = {
        "metric_names": ["load"],
        "time_range": {"start": today.isoformat(), "end": (today + timedelta(days=2)).isoformat(), "timezone": "UTC"},
        "aggregation": "max",
        "granularity": "day",
        "fill_missing": False,
    }
    with watching(server) as client:
        client.watch("load", metric=query, tenant_id=mine)
        assert client.until("answer")["answer"]["data"] == []
        for value in (3.5, 7.0):
            sample = {"name": "load", "value": value, "type": "gauge"}
            sent = server.post("/api/v2/metrics", json=[sample], params={"tenant_id": mine})
            assert sent.status_code == 200, sent.text
            [point] = client.until("answer")["answer"]["data"]
            assert point["value"] == value
        client.say(type="subscribe", id="wrong", metric={"metric_names": []})
        error = client.until("error", "wrong")
        assert error["status"] == 422
        assert "metric metric_names" in error["detail"]


def test_a_stream_of_one_question(server: httpx.Client, mine: str) -> None:
    with streaming(server, params={"tenant_id": mine, "question": "totals", "days": "3"}) as messages:
        told = [next(messages) for _ in range(2)]
        assert told[1]["answer"]["parameters"]["days"] == 3


@pytest.mark.parametrize(
    ("query", "status", "said"),
    [
        ({"question": "nothing"}, 404, "there are:"),
        ({"question": "totals", "days": "many"}, 422, "days"),
        ({"question": "totals", "as_of": "1700-01-01"}, 422, "years"),
        ({"question": "timeline"}, 422, "user"),
        ({"subscribe": "{"}, 422, "JSON"),
        ({"subscribe": '{"id": "a"}'}, 422, "name one of question, events, metric, overview"),
        ({"subscribe": ['{"id": "a", "events": {}}'] * 2}, 422, "an id of its own"),
        ({"subscribe": '{"id": "a", "events": {}, "resume": "x"}'}, 422, "token"),
        ({"last_event_id": "!"}, 422, "Last-Event-ID"),
        ({"overview": "true", "days": "0"}, 422, "days"),
    ],
)
def test_what_is_wrong_is_said_before_the_stream_begins(
    server: httpx.Client, query: dict[str, Any], status: int, said: str
) -> None:
    answer = server.get("/api/v2/live/events", params=query)
    assert answer.status_code == status, answer.text
    assert said in answer.json()["detail"]


def test_what_is_wrong_is_said_and_the_connection_goes_on(server: httpx.Client, mine: str) -> None:
    with watching(server) as client:
        client.watch("one", question="totals", tenant_id=mine)
        client.until("answer")
        for text, status in (
            ("nonsense", 422),
            ('{"type": "dance"}', 422),
            ('{"type": "subscribe", "id": "x", "question": "nothing"}', 404),
            ('{"type": "subscribe", "id": "one", "question": "totals"}', 409),
            ('{"type": "unsubscribe", "id": "other"}', 404),
            ("[" * 50_000, 422),
            ("x" * 70_000, 422),
        ):
            client.socket.send(text)
            assert client.hear()["status"] == status, text[:50]
        client.say(type="ping")
        assert client.hear() == {"type": "pong"}
        send(server, seen("1"), tenant=mine)
        assert totals(client.until("answer", "one")) == (1, 1)


def test_what_is_too_much_at_once_comes_bit_by_bit(server: httpx.Client, mine: str) -> None:
    with watching(server) as client:
        client.watch("all", events={}, tenant_id=mine)
        first = [seen(f"first-{n}") for n in range(MOST_ARRIVALS + 1_000)]
        send(server, *first, tenant=mine)
        gone = client.until("gone", "all")
        assert gone["reason"] == "behind"
        ids = []
        # the first time it is too much again, and says how far it came
        client.watch("all", events={}, tenant_id=mine, resume=gone["resume"])
        while (message := client.hear())["type"] == "event":
            ids.append(message["event"]["event_id"])
        assert (message["reason"], len(ids)) == ("behind", MOST_ARRIVALS)
        client.watch("all", events={}, tenant_id=mine, resume=message["resume"])
        ids += [client.until("event")["event"]["event_id"] for _ in range(1_000)]
        assert sorted(ids) == sorted(event["event_id"] for event in first)
        send(server, seen("now"), tenant=mine)
        assert client.until("event")["event"]["event_id"] == "now"
