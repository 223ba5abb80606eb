"""Sentiment and topics: from texts of those who allow it alone, and never a text shown."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest

from rollbook.analyses.ask import ask
from rollbook.analyses.asking.reading import texts_since
from rollbook.analyses.conversations.conversation_sentiment import ConversationSentiment
from rollbook.analyses.conversations.topics import Topics
from rollbook.analyses.question import When
from rollbook.governance.consent import Decision, decide
from rollbook.governance.grants import Grant
from rollbook.governance.tenants import tenants_of
from rollbook.ingest.importing import event_rows
from rollbook.ingest.intake import Intake
from rollbook.ingest.permitting.feeling import sentiment
from rollbook.settings import load
from rollbook.store import Store
from rollbook.store.scope import EPOCH
from tests.governance.consent.deciding import School
from tests.ingest import kept

SAD, GLAD = "I hate this, it is horrible and I am lost", "great, thank you, I love it!"


def message(user: str, words: str, conversation: str = "c1", **more: Any) -> dict[str, Any]:
    """A message of document 5."""
    told = {"event_type": "conversation.message.sent", "user_id": user, "conversation_id": conversation}
    return told | {"metadata": {"message": words} | more}


def sentiments(place: School) -> list[Any]:
    """What is kept of each message, in order."""
    return [event["properties"].get("sentiment") for event in kept.events(place.store, place.tenant)]


def test_the_feeling_is_kept_and_the_text_is_not(place: School) -> None:
    place.send(message("ada", SAD), message("ada", GLAD))
    low, high = sorted(sentiments(place))
    assert -1 <= low < -0.5
    assert 0.5 < high <= 1
    assert SAD not in json.dumps([event["properties"] for event in kept.events(place.store, place.tenant)])
    (row,) = ask(place.store, ConversationSentiment(), place.tenant).rows
    assert (row.user_id, sorted(row.trajectory), row.negative_ratio) == ("ada", [low, high], 0.5)


def test_of_those_who_do_not_allow_text_nothing_is_worked_out(place: School) -> None:
    decide(place.store, place.tenant, Decision(user="bob", purpose="text", given=False))
    place.send(message("bob", SAD), message("ada", GLAD, "c2"))
    assert sum(one is not None for one in sentiments(place)) == 1
    tenants_of(place.store).change(place.tenant, purposes={"text": False})
    place.send(message("cyd", SAD, "c3"))
    assert sum(one is not None for one in sentiments(place)) == 1


def test_who_withdraws_is_left_out_of_what_was_worked_out_before(place: School) -> None:
    place.send(message("ada", SAD), message("bob", GLAD, "c2"))
    decide(place.store, place.tenant, Decision(user="ada", purpose="text", given=False))
    assert [row.user_id for row in ask(place.store, ConversationSentiment(), place.tenant).rows] == ["bob"]


def test_what_the_sender_says_stays_and_bots_have_no_feelings(place: School) -> None:
    place.send(message("ada", SAD, sentiment=0.9))
    bot = message("ada", GLAD) | {"event_type": "conversation.message.received"}
    place.send(bot, message("ada", GLAD, role="assistant"))
    assert sorted(map(str, sentiments(place))) == ["0.9", "None", "None"]


def test_it_can_be_switched_off(place: School, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "settings", store.settings.model_copy(update={"sentiment": False}))
    place.send(message("ada", SAD))
    assert sentiments(place) == [None]
    assert load().sentiment


def test_imported_messages_have_feelings_too(store: Store, intake: Intake, place: School) -> None:
    times = pa.array([datetime(2026, 3, 2)], pa.timestamp("ms"))
    columns = {"id": pa.array(["1"]), "user": pa.array(["ada"]), "timestamp": times, "type": "AI_MESSAGE_SENT"}
    intake.load(event_rows(place.tenant, columns | {"properties": json.dumps({"prompt": SAD})}), "import:file")
    assert sentiments(place)[0] < -0.5


@pytest.mark.parametrize(
    ("text", "language", "known"),
    [
        (SAD, None, True), ("", "en", True), ("die Aufgabe ist nicht leicht", None, False), ("no", None, False),
        ("je ne comprends pas les fractions", None, False), ("спасибо, отлично", None, False), ("!!! 42", None, True),
        (GLAD, "de", False), ("no", "en-GB", True), ("😀" * 5000, None, True), ("x" * 5000, None, True),
    ],
)  # fmt: skip
def test_only_english_is_understood(text: str, language: str | None, known: bool) -> None:
    found = sentiment(text[:1000], language)
    assert (found is not None) == known
    assert found is None or -1 <= found <= 1


FRACTIONS, PLANTS = "how do fractions with a denominator work", "why does photosynthesis need chlorophyll"


def asks(place: School, people: int, words: str, course: str = "") -> None:
    """So many people ask it."""
    place.send(*(message(f"u{n}", words, f"{words}{n}", course_id=course) for n in range(people)))


def test_topics_of_many_are_shown_and_no_text(place: School) -> None:
    asks(place, 9, FRACTIONS, "maths")
    asks(place, 8, PLANTS, "biology")
    asks(place, 4, "what about zebulons secret")
    first, second = ask(place.store, Topics(), place.tenant).rows
    assert (first.topic, first.messages, first.people, first.share) == (1, 9, 9, 9 / 21)
    assert set(first.terms) == {"fractions", "denominator"}
    assert set(second.terms) == {"photosynthesis", "chlorophyll"}
    (only,) = ask(place.store, Topics(), Grant(place.tenant, courses=("biology",))).rows
    assert only.people == 8


def test_topics_end_with_the_texts(place: School) -> None:
    asks(place, 9, FRACTIONS)
    asks(place, 8, PLANTS)
    for n in range(5):
        decide(place.store, place.tenant, Decision(user=f"u{n}", purpose="text", given=False))
    assert ask(place.store, Topics(), place.tenant).rows == []
    sql = "select count() as n from message_texts where tenant = {t:String}"
    assert place.store.engine.query(sql, {"t": place.tenant}) == [{"n": 7}]


def test_expired_texts_are_not_read_even_where_they_still_are(place: School) -> None:
    asks(place, 9, FRACTIONS)
    asks(place, 8, PLANTS)
    store, scope = place.store, Topics().scope(When(place.tenant, datetime.now(UTC), "UTC"))
    since = {name: replace(scope, texts_since=moment) for name, moment in (("all", EPOCH), ("none", scope.until))}
    count = {
        name: store.engine.query(one.sql("select count() as n from texts_scope"), one.parameters())[0]["n"]
        for name, one in since.items()
    }
    assert count == {"all": 17, "none": 0}
    tenants_of(store).change(place.tenant, text_days=3)
    since_then = texts_since(store, place.tenant)
    assert timedelta(days=3) <= datetime.now(UTC) - since_then < timedelta(days=3, hours=1)


def test_analysts_need_more_people_where_the_tenant_says_so(place: School) -> None:
    asks(place, 14, FRACTIONS)
    place.send(*(message(f"v{n}", PLANTS, f"v{n}") for n in range(12)))
    tomorrow, analyst = datetime.now(UTC) + timedelta(days=1), Grant(place.tenant, cells=True)
    assert len(ask(place.store, Topics(as_of=tomorrow), analyst).rows) == 2
    tenants_of(place.store).change(place.tenant, smallest_cell=13)
    assert ask(place.store, Topics(as_of=tomorrow), analyst).rows == []
