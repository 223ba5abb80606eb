"""The tracker: what it returns from is on disk, once; what it could not deliver, it raises."""

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from rollbook.analyses.ask import ask
from rollbook.analyses.study.learning_overview import LearningOverview
from rollbook.errors import Invalid, Unauthenticated
from rollbook.tracker import AnalyticsTracker, EventType, NotDelivered
from tests.cli.terminal import serving
from tests.ingest import kept
from tests.tracker.conftest import Opened


async def a_session(tracker: AnalyticsTracker) -> str:
    """The document's example."""
    session_id = await tracker.start_learning_session(user_id="ada", material_id="m1")
    await tracker.track_material_interaction(
        user_id="ada", material_id="m1", material_type="pdf", interaction_type="view", progress_percentage=50.0
    )
    await tracker.end_learning_session(user_id="ada", session_id=session_id, xp_earned=100)
    return session_id


def test_the_document_s_example(book: Opened, tenant: str) -> None:
    session = asyncio.run(a_session(AnalyticsTracker(book, tenant=tenant)))
    rows = {row["type"]: row for row in kept.events(book.store, tenant)}
    assert set(rows) == {"session_start", "material_view", "session_end", "xp_earned"}
    assert {row["session"] for row in rows.values()} == {session}
    assert {row["user"] for row in rows.values()} == {"ada"}
    assert rows["material_view"]["properties"] == {
        "session_id": session, "material_id": "m1", "material_type": "pdf", "interaction_type": "view",
        "progress_percentage": 50.0,
    }  # fmt: skip
    assert (rows["session_start"]["content"], rows["material_view"]["content"]) == ("m1", "m1")
    found = ask(book.store, LearningOverview(user="ada"), tenant).only()
    assert (found.total_sessions, found.materials_viewed, found.materials_completed) == (1, 1, 0)
    assert (found.xp_earned, found.current_level, found.current_streak) == (100, 2, 1)


@pytest.mark.parametrize(
    ("kind", "progress", "types"),
    [
        ("view", None, ["material_view"]),
        ("scroll", 99.9, ["material_view"]),
        ("view", 100, ["material_complete", "material_view"]),
        ("Completed", 100, ["material_complete"]),
        ("complete", None, ["material_complete"]),
    ],
)
def test_interactions(book: Opened, tenant: str, kind: str, progress: float | None, *, types: list[str]) -> None:
    tracker = AnalyticsTracker(book, tenant=tenant)
    asyncio.run(tracker.track_material_interaction(7, 8, "pdf", kind, progress))
    rows = kept.events(book.store, tenant)
    assert sorted(str(row["type"]) for row in rows) == types
    assert {(row["user"], row["content"], row["session"]) for row in rows} == {("7", "8", "")}
    with pytest.raises(Invalid, match="0 to 100"):
        asyncio.run(tracker.track_material_interaction(7, 8, progress_percentage=101))


def test_any_other_event(book: Opened, tenant: str) -> None:
    tracker = AnalyticsTracker(book, tenant=tenant)
    asyncio.run(tracker.track("ACHIEVEMENT_EARNED", "ada", {"achievement_id": "first"}))
    asyncio.run(tracker.track(EventType.SEARCH_QUERY))
    assert sorted((row["type"], row["user"]) for row in kept.events(book.store, tenant)) == [
        ("achievement_earned", "ada"), ("search_query", ""),
    ]  # fmt: skip


def answering(*answers: Any) -> tuple[httpx.AsyncClient, list[list[dict[str, Any]]]]:
    """A client of a server that answers so, one after the other, and what was sent to it."""
    sent: list[list[dict[str, Any]]] = []
    left = list(answers)

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(json.loads(request.content))
        found = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(found, Exception):
            raise found
        status, body = found
        return httpx.Response(status, json=body)

    return httpx.AsyncClient(transport=httpx.MockTransport(answer)), sent


GOOD: tuple[int, Any] = (200, {"rejected": []})
BUSY = (503, {"detail": "full"})


def test_it_sends_the_same_event_until_it_is_taken() -> None:
    client, sent = answering(httpx.ConnectError("away"), BUSY, GOOD)
    tracker = AnalyticsTracker("http://book", client=client, patience_seconds=60)
    asyncio.run(tracker.track("XP_EARNED", "ada", {"xp_amount": 1}))
    assert len(sent) == 3
    assert sent[0] == sent[1] == sent[2]
    assert (sent[0][0]["event_type"], sent[0][0]["user_id"]) == ("xp_earned", "ada")


def test_what_cannot_be_delivered_is_handed_back_and_can_be_sent_later() -> None:
    client, sent = answering(BUSY)
    tracker = AnalyticsTracker("http://book", client=client, patience_seconds=0)
    with pytest.raises(NotDelivered, match="full; 2 events are not delivered") as caught:
        asyncio.run(tracker.end_learning_session("ada", "s", 5))
    assert [one["event_type"] for one in caught.value.events] == ["session_end", "xp_earned"]
    client, again = answering(GOOD)
    asyncio.run(AnalyticsTracker("http://book", client=client).deliver(caught.value.events))
    assert again == [sent[0]]


@pytest.mark.parametrize(
    ("answer", "error", "says"),
    [
        ((422, {"detail": "no event is valid: soon"}), Invalid, "soon"),
        ((401, {"detail": "show a key"}), Unauthenticated, "show a key"),
        ((200, {"rejected": [{"index": 0, "detail": "too long"}]}), Invalid, "event 0: too long"),
        ((404, "nothing"), Invalid, "nothing"),
    ],
)
def test_what_is_refused_is_raised_at_once(answer: Any, error: type[Exception], says: str) -> None:
    client, sent = answering(answer)
    with pytest.raises(error, match=says):
        asyncio.run(AnalyticsTracker("http://book", client=client).track("xp_earned"))
    assert len(sent) == 1


def test_over_http_to_a_real_server(tmp_path: Path) -> None:
    async def track(address: str) -> None:
        async with AnalyticsTracker(address, tenant="school") as tracker:
            await a_session(tracker)

    with serving(tmp_path / "book", ROLLBOOK_AUTH="none") as server:
        asyncio.run(track(server.address))
        answer = httpx.get(
            f"{server.address}/api/analytics/learning/overview", params={"tenant_id": "school", "user_id": "ada"}
        ).json()
        assert (answer["total_sessions"], answer["total_xp"]) == (1, 100)
