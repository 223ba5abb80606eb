"""Document 2's events: its 14 types, by name and as constants; whose they are; its example."""

import json

import pytest
from fastapi.testclient import TestClient

from rollbook.event import EventType
from rollbook.governance.consent import Decision, decide
from rollbook.ingest.batch import Sender
from rollbook.ingest.dialects.studyin import STUDYIN
from rollbook.ingest.intake import Intake
from rollbook.store import Store
from tests.ingest import kept
from tests.ingest.posting import TRACK, post

DOCUMENTED = """SESSION_START SESSION_END MATERIAL_VIEW MATERIAL_COMPLETE XP_EARNED LEVEL_UP ACHIEVEMENT_EARNED
STREAK_UPDATE AI_MESSAGE_SENT AI_MESSAGE_RECEIVED AI_FEEDBACK_RATED API_REQUEST API_ERROR SEARCH_QUERY"""


def test_the_document_s_example(client: TestClient, store: Store, tenant: str) -> None:
    example = b'{"event_type": "session_start", "properties": {"material_id": "uuid"}}'
    answer = post(client, TRACK, tenant, example)
    row = kept.event(store, tenant)
    assert answer.json() == {
        "status": "success", "event_id": row["id"], "ingested": 1, "duplicates": 0, "rejected": []
    }  # fmt: skip
    assert (row["type"], row["user"], row["content"], row["dialect"]) == ("session_start", "", "uuid", "studyin")
    assert row["properties"] == {"material_id": "uuid"}


def test_all_types_as_names_and_as_constants(store: Store, intake: Intake, tenant: str) -> None:
    assert [one.name for one in EventType] == DOCUMENTED.split()
    for written in (EventType.XP_EARNED.name, "xp_earned", " Xp_Earned"):
        assert STUDYIN.read(json.dumps({"event_type": written}).encode())[0].type == "xp_earned"
    told = [{"event_type": name, "user_id": "ada"} for one in EventType for name in (one.name, one.value)]
    intake.take_now(json.dumps([*told, {"event_type": "MyOwn"}]).encode(), "studyin", tenant)
    types = sorted(row["type"] for row in kept.events(store, tenant))
    assert types == sorted([*(one.value for one in EventType), *(one.value for one in EventType), "MyOwn"])


@pytest.mark.parametrize("extra", [{}, {"colour": "red"}], ids=["fast", "tolerant"])
def test_the_user_may_stand_in_the_properties(store: Store, intake: Intake, tenant: str, extra: dict[str, str]) -> None:
    events = [
        {"event_type": "XP_EARNED", "properties": {"user_id": "ada", "xp_amount": 5}} | extra,
        {"event_type": "XP_EARNED", "user_id": "bo", "properties": {"user_id": "ada"}} | extra,
        {"event_type": "XP_EARNED", "user_id": None, "properties": {"user_id": 7}} | extra,
    ]
    assert intake.take_now(json.dumps(events).encode(), "studyin", tenant).rejected == []
    rows = sorted(kept.events(store, tenant), key=lambda row: str(row["user"]))
    assert [(row["type"], row["user"], row["properties"]) for row in rows] == [
        ("xp_earned", "7", extra),
        ("xp_earned", "ada", {"xp_amount": 5} | extra),
        ("xp_earned", "bo", {"user_id": "ada"} | extra),
    ]
    (wrong,) = intake.take_now(b'{"event_type": "x", "properties": {"user_id": [1]}}', "studyin", tenant).rejected
    assert wrong.reason == "invalid_user"


def test_without_a_user_an_event_is_of_whose_token_is_shown(store: Store, intake: Intake, tenant: str) -> None:
    events = json.dumps([{"event_type": "xp_earned"}, {"event_type": "xp_earned", "user_id": "bo"}]).encode()
    learner = Sender(tenant, "ada")
    receipt = intake.take_later(events, "studyin", tenant, sender=learner)()
    assert [one.reason for one in receipt.rejected] == ["foreign_user"]
    admin = Sender(tenant, speaks_for="cy")
    intake.take_later(events, "studyin", tenant, sender=admin)()
    assert sorted(str(row["user"]) for row in kept.events(store, tenant)) == ["ada", "bo", "cy"]


def test_what_is_refused_of_somebody_who_opted_out_is_kept_nowhere(store: Store, intake: Intake, tenant: str) -> None:
    decide(store, tenant, Decision(user="ada", purpose="analytics", given=False))
    event = {"event_type": "xp_earned", "timestamp": "soon", "properties": {"user_id": "ada"}}
    assert intake.take_now(json.dumps(event).encode(), "studyin", tenant).rejected[0].reason == "invalid_timestamp"
    assert kept.letters(store, tenant) == []
