"""What people write to an AI: taken out of events, kept only where they allow it, apart, and for some days."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest

from rollbook.governance.consent import Decision, decide, object_to
from rollbook.governance.tenants import tenants_of
from rollbook.ingest.importing import event_rows
from rollbook.ingest.intake import Intake
from rollbook.ingest.permitting import texts
from rollbook.ingest.permitting.words import is_of_conversation, taken_apart
from rollbook.store import Store
from rollbook.store.privacy import message_texts
from rollbook.store.privacy.message_texts import MessageText
from tests.governance.consent.deciding import School
from tests.ingest import kept


@pytest.fixture(autouse=True)
def ada_allows_it(store: Store, tenant: str) -> None:
    """As in a tenant that was created; of everyone it is ada who allows that her words are kept."""
    tenants_of(store).change(tenant, purposes={"text": False})
    decide(store, tenant, Decision(user="ada", purpose="text", given=True))


def said(user: str, words: str, **more: Any) -> dict[str, Any]:
    """A message of document 5."""
    properties = {"message": words, "tokens": 5}
    told = {"event_type": "conversation.message.sent", "user_id": user, "conversation_id": "c1"}
    return told | {"metadata": properties} | more


def read(place: School, who: str, conversation: str = "c1") -> list[dict[str, Any]]:
    """What is shown of a conversation."""
    answer = place.get(who, f"conversations/{conversation}/text")
    assert answer.status_code == 200, answer.text
    return [message["text"] for message in answer.json()["messages"]]


def stored(place: School) -> list[str]:
    """Every text that is stored of the tenant."""
    sql = "select text from message_texts where tenant = {t:String} order by text"
    return [row["text"] for row in place.store.engine.query(sql, {"t": place.tenant})]


def test_words_are_kept_apart_and_only_of_those_who_allow_it(place: School) -> None:
    assert place.send(said("ada", "why is the sky blue"), said("bob", "my secret"))["ingested"] == 2
    for event in kept.events(place.store, place.tenant):
        # of words that may be kept a number may be, too (test_sentiment.py)
        feeling = {"sentiment": 0.0} if event["user"] == "ada" else {}
        assert event["properties"] == {"tokens": 5, "conversation_id": "c1"} | feeling
    assert stored(place) == ['{"message":"why is the sky blue"}']
    assert read(place, "privacy_officer") == [{"message": "why is the sky blue"}]


def test_words_are_shown_to_those_alone_who_may_read_them(place: School) -> None:
    place.send(said("ada", "hello"))
    assert read(place, "learner:ada") == [{"message": "hello"}]
    assert read(place, "learner:bob") == []
    for role in ("admin", "analyst", "educator:tom", "service", "auditor"):
        assert place.get(role, "conversations/c1/text").status_code == 403


@pytest.mark.parametrize("how", ["withdrawn", "objected"])
def test_who_no_longer_allows_it_has_their_words_deleted(place: School, how: str) -> None:
    place.send(said("ada", "hello"))
    if how == "withdrawn":
        place.put("learner:ada", "ada", "text", False)
    else:
        object_to(place.store, place.tenant, "ada", purposes=("text",))
    assert stored(place) == []
    assert place.send(said("ada", "hello again"))["ingested"] == 1
    assert stored(place) == []


def test_a_resent_message_says_what_it_said_first(place: School) -> None:
    place.send(said("ada", "first", event_id="m1"))
    assert place.send(said("ada", "second", event_id="m1"))["duplicates"] == 1
    assert read(place, "privacy_officer") == [{"message": "first"}]


def test_old_messages_keep_their_words(place: School) -> None:
    old = [said("ada", f"in {year}", timestamp=f"{year}-05-01T12:00:00Z") for year in (2019, 2021, 2023)]
    assert place.send(*old)["ingested"] == 3
    assert read(place, "privacy_officer") == [{"message": f"in {year}"} for year in (2019, 2021, 2023)]


def test_a_conversation_may_be_called_anything(place: School) -> None:
    place.send(said("ada", "hello", conversation_id="a/b ä"))
    assert read(place, "privacy_officer", "a/b ä") == [{"message": "hello"}]
    assert read(place, "privacy_officer") == []


def test_bulk_loads_keep_words_apart_too(place: School, intake: Intake) -> None:
    times = pa.array([datetime(2026, 3, 2)] * 2, pa.timestamp("ms"))
    users, ids = pa.array(["ada", "bob"]), pa.array(["1", "2"])
    columns = {"id": ids, "user": users, "timestamp": times, "type": "AI_MESSAGE_SENT", "conversation": "c1"}
    intake.load(event_rows(place.tenant, columns | {"properties": '{"prompt": "hi", "n": 1}'}), "import:file")
    assert [event["properties"] for event in kept.events(place.store, place.tenant)] == [
        {"n": 1, "sentiment": 0.0},
        {"n": 1},
    ]
    assert read(place, "privacy_officer") == [{"prompt": "hi"}]


def test_words_expire_after_the_tenants_days(place: School, intake: Intake) -> None:
    place.send(said("ada", "new"))
    old = MessageText(
        tenant=place.tenant, id="old", user="ada", conversation="c1", timestamp=datetime.now(UTC), text='{"text":"old"}'
    )
    message_texts.add(place.store.engine, [old], datetime.now(UTC) - timedelta(days=8))
    assert len(read(place, "privacy_officer")) == 2
    tenants_of(place.store).change(place.tenant, text_days=7)
    assert read(place, "privacy_officer") == [{"message": "new"}]
    assert len(stored(place)) == 2
    texts.expire(intake)
    assert stored(place) == ['{"message":"new"}']


@pytest.mark.parametrize(
    ("type", "is_one"),
    [
        ("conversation.message.sent", True), ("AI_MESSAGE_SENT", True), ("aiChat", True), ("llm.call", True),
        ("tutor_ai", True), ("prompt_sent", True), ("email_opened", False), ("quiz", False), ("said", False),
        ("domain_ready", False), ("fair_play", False),
    ],
)  # fmt: skip
def test_which_events_are_of_a_conversation(type: str, is_one: bool) -> None:
    assert is_of_conversation(type) == is_one


def test_words_are_found_at_any_depth_and_all_else_stays_as_it_was_written() -> None:
    properties = (
        b'{"a":1.10,"message":"hi","n":{"Text":"x","k":[{"content":["y"],"z":12345678901234567890123}]},"response":200}'
    )
    rest, words = taken_apart(properties)
    assert rest == b'{"a":1.10,"n":{"k":[{"z":12345678901234567890123}]},"response":200}'
    assert json.loads(words or b"") == {"message": "hi", "n.Text": "x", "n.k.0.content": ["y"]}
    assert taken_apart(b'{"score": 5}') == (b'{"score": 5}', None)
