"""Pseudonyms: what they are, and that with them nothing tells who somebody is, whichever way it came in."""

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import assume, given, settings, strategies

from rollbook.analyses import catalogue
from rollbook.analyses.ask import ask
from rollbook.governance.minimisation import naming
from rollbook.governance.minimisation.texts import plain
from rollbook.governance.pseudonyms import Chain, known_as, pseudonyms_of, version_of
from rollbook.governance.pseudonyms.chain import SHAPE
from rollbook.governance.tenants import tenants_of
from rollbook.ingest import dead_letters
from rollbook.ingest.importing import event_rows
from rollbook.ingest.intake import Intake
from rollbook.store import Store
from tests.ingest import kept
from tests.test_tidy import ROOT

KEY, LATER_KEY = bytes(range(32)), bytes(range(32, 64))

ids = strategies.text(strategies.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)


@pytest.fixture(scope="module")
def intake(store: Store) -> Iterator[Intake]:
    """The way in, closed at the end."""
    opened = Intake(store)
    yield opened
    opened.close()


@pytest.fixture
def school(store: Store, tenant: str) -> str:
    """A tenant as it is made by hand: with pseudonyms."""
    tenants_of(store).create(tenant)
    return tenant


def digest(key: bytes, text: str) -> str:
    """The algorithm of the guide, written down a second time."""
    return base64.urlsafe_b64encode(hmac.new(key, text.encode(), hashlib.sha256).digest()[:18]).decode()


def take(intake: Intake, tenant: str, *events: dict[str, Any], dialect: str = "native") -> Any:
    """Send events; their receipt."""
    return intake.take_now(json.dumps(events).encode(), dialect, tenant)


def derived(tenant_key: bytes) -> bytes:
    """The key of pseudonyms, by the algorithm of the guide: HKDF (RFC 5869), written down a second time."""
    extracted = hmac.digest(bytes(32), tenant_key, "sha256")
    return hmac.digest(extracted, b"rollbook\x1fpseudonyms\x01", "sha256")


def test_the_worked_example_of_the_guide() -> None:
    guide = (ROOT / "docs" / "guides" / "pseudonyms.md").read_text("utf-8")
    key, later = derived(KEY), derived(LATER_KEY)
    first = "p1_" + digest(key, "student-4711")
    second = "p2_" + digest(later, first)
    assert {KEY.hex(), key.hex(), first, second} <= set(re.findall(r"\w{64}|p\d_[\w-]{24}", guide))
    assert Chain([(1, key)], 1).of("student-4711") == first
    both = Chain([(1, key), (2, later)], 2)
    assert both.of("student-4711") == both.of(first) == both.of(second) == second
    assert both.forms("student-4711") == (first, second)


def test_a_tenants_own_key_makes_them_as_the_guide_says(store: Store, school: str) -> None:
    stored = known_as(store, school, "student-4711")
    held = pseudonyms_of(store).sealing._held[school, "people"]
    assert stored == "p1_" + digest(derived(held.live[1]), "student-4711")


def test_the_guide_names_every_member_that_is_replaced() -> None:
    guide = (ROOT / "docs" / "guides" / "pseudonyms.md").read_text("utf-8")
    named = {plain(word) for word in re.findall(r"`([a-z_0-9]+)`", guide)}
    assert named >= naming.USER_MEMBERS | naming.PERSON_MEMBERS


@given(ids)
def test_every_id_gets_one_of_the_shape_and_it_is_never_hashed_again(user: str) -> None:
    assume(version_of(user) is None)
    chain = Chain([(1, KEY)], 1)
    stored = chain.of(user)
    assert SHAPE.fullmatch(stored)
    assert stored == Chain([(1, KEY)], 1).of(user)
    assert chain.of(stored) == stored
    assert Chain([(1, LATER_KEY)], 1).of(user) != stored


@given(first=ids, second=ids)
def test_different_ids_get_different_ones(first: str, second: str) -> None:
    chain = Chain([(1, KEY)], 1)
    assert (chain.of(first) == chain.of(second)) == (first == second)


def test_only_exactly_the_shape_of_a_version_there_was_is_taken_as_a_pseudonym() -> None:
    chain = Chain([(1, KEY)], 1)
    given = chain.of("ada")
    assert chain.of("") == ""
    near = [f"{given}A", given[:-1], given.upper(), f"p2{given[2:]}", f"p01{given[2:]}", f" {given}", f"{given}\n"]
    for other in near:
        assert chain.of(other) != other
        assert version_of(chain.of(other)) == 1


def test_where_the_key_was_destroyed_old_pseudonyms_stay_and_ids_lead_elsewhere() -> None:
    old = Chain([(1, KEY)], 1).of("ada")
    now = Chain([(2, LATER_KEY)], 2)
    assert now.of(old) == old
    assert now.of("ada") == Chain([(2, LATER_KEY)], 2).of("ada")
    assert version_of(now.of("ada")) == 2


@pytest.mark.parametrize(
    ("dialect", "event"),
    [
        ("native", {"event_type": "seen", "user_id": "student-4711"}),
        ("native", {"type": "seen", "user": "student-4711"}),
        ("agent", {"event_type": "seen", "user_id": "student-4711"}),
        ("ingest", {"type": "seen", "user_id": "student-4711", "ts": "2026-03-02T10:00:00Z"}),
        ("engine", {"event_type": "seen", "user_id": "student-4711", "conversation_id": "c1"}),
    ],
)
def test_every_dialect_stores_the_pseudonym(
    store: Store, intake: Intake, school: str, dialect: str, event: dict[str, Any]
) -> None:
    assert take(intake, school, event, dialect=dialect).ingested == 1
    stored = kept.event(store, school)
    assert stored["user"] == known_as(store, school, "student-4711")
    assert version_of(stored["user"]) == 1
    assert "4711" not in json.dumps(stored, default=str)


def test_an_id_and_its_pseudonym_are_the_same_person(store: Store, intake: Intake, school: str) -> None:
    stored = known_as(store, school, "student-4711")
    take(intake, school, {"event_type": "seen", "user_id": "student-4711"}, {"event_type": "seen", "user_id": stored})
    assert {event["user"] for event in kept.events(store, school)} == {stored}
    for named in ("student-4711", stored):
        question = catalogue.question("timeline", {"user": named})
        assert len(ask(store, question, school).rows) == 2


def test_nobody_stays_nobody(store: Store, intake: Intake, school: str) -> None:
    take(intake, school, {"event_type": "seen"}, {"event_type": "seen", "user_id": ""})
    assert [event["user"] for event in kept.events(store, school)] == ["", ""]


def test_two_tenants_know_the_same_id_by_different_pseudonyms(store: Store, school: str) -> None:
    tenants_of(store).create(f"{school}.other")
    assert known_as(store, school, "ada") != known_as(store, f"{school}.other", "ada")


def test_without_pseudonyms_an_id_stays_as_it_is_also_one_of_their_shape(
    store: Store, intake: Intake, tenant: str
) -> None:
    shaped = "p1_" + "A" * 24
    take(intake, tenant, {"event_type": "seen", "user_id": "ada"}, {"event_type": "seen", "user_id": shaped})
    assert {event["user"] for event in kept.events(store, tenant)} == {"ada", shaped}


def test_properties_name_users_by_their_pseudonyms(store: Store, intake: Intake, school: str) -> None:
    metadata = {
        "user_id": "student-4711",
        "actor": {"mbox": "mailto:bob@school.example", "account": {"name": "bob"}, "objectType": "Agent"},
        "group": {"students": 12, "student_id": ["bob", 99, None], "list": [{"learner-id": "bob"}]},
        "EMail": "bob@school.example",
        "score": 1.50,
        "name": "Quiz 1",
        "person": True,
        "page": "/users/bob",
    }
    take(intake, school, {"event_type": "seen", "user_id": "student-4711", "metadata": metadata})
    found = kept.event(store, school)["properties"]
    name = {who: known_as(store, school, who) for who in ("student-4711", "bob", "99", "bob@school.example")}
    assert found == {
        "user_id": name["student-4711"],
        "actor": {
            "mbox": known_as(store, school, "mailto:bob@school.example"),
            "account": {"name": name["bob"]},
            "objectType": "Agent",
        },
        "group": {"students": 12, "student_id": [name["bob"], name["99"], None], "list": [{"learner-id": name["bob"]}]},
        "EMail": name["bob@school.example"],
        "score": 1.5,
        "name": "Quiz 1",
        "person": True,
        "page": "/users/bob",
    }


def test_an_events_own_user_is_found_in_any_text_and_in_ids(store: Store, intake: Intake, school: str) -> None:
    sent = {
        "event_type": "seen",
        "event_id": "quiz:student-4711:9",
        "user_id": "student-4711",
        "metadata": {
            "session_id": "student-4711/7",
            "note": 'by "student-4711", not student-47112',
            "of student-4711": [1],
        },
    }
    receipt = take(intake, school, sent)
    assert receipt.ids == ["quiz:student-4711:9"]
    stored, user = kept.event(store, school), known_as(store, school, "student-4711")
    assert stored["session"] == f"{user}/7"
    assert stored["properties"]["note"] == f'by "{user}", not student-47112'
    assert stored["properties"][f"of {user}"] == [1]
    assert stored["id"].startswith("h_")
    assert (take(intake, school, sent).duplicates, len(kept.events(store, school))) == (1, 1)


def test_escapes_hide_nothing(store: Store, intake: Intake, school: str) -> None:
    properties = b'{"\\u0075ser_id":"bob-4711","x":"for zo\\u00eb-4711"}'
    body = b'{"event_type":"seen","user_id":"zo\\u00eb-4711","metadata":' + properties + b"}"
    intake.take_now(body, "native", school)
    stored = kept.event(store, school)
    assert stored["properties"] == {
        "user_id": known_as(store, school, "bob-4711"),
        "x": f"for {known_as(store, school, 'zoë-4711')}",
    }


def test_a_name_that_stands_twice_hides_nothing(store: Store, intake: Intake, school: str) -> None:
    body = b'{"event_type":"seen","user_id":"ada","metadata":{"user_id":"bob-4711","user_id":true}}'
    intake.take_now(body, "native", school)
    assert store.engine.query("select properties from events where tenant = {tenant:String}", {"tenant": school}) == [
        {"properties": '{"user_id":true}'}
    ]


def test_bulk_loads_store_pseudonyms_too(store: Store, intake: Intake, school: str) -> None:
    columns = {
        "id": ["oulad:click:AAA:4711:1", "oulad:click:AAA:4712:2"],
        "user": ["4711", "4712"],
        "properties": ['{"of":"4711"}', '{"n":4712}'],
    }
    arrays = {name: pa.array(values) for name, values in columns.items()}
    when = pa.array([1_772_445_600_000] * 2, pa.timestamp("ms"))
    rows = event_rows(school, arrays | {"timestamp": when, "type": "seen", "source": "oulad"})
    assert intake.load(rows, "import:test").ingested == 2
    assert intake.load(rows, "import:test").duplicates == 2
    first, second = sorted(kept.events(store, school), key=lambda event: "of" not in event["properties"])
    assert (first["user"], second["user"]) == tuple(known_as(store, school, user) for user in ("4711", "4712"))
    assert first["properties"] == {"of": first["user"]}
    assert first["id"].startswith("h_")
    assert second["id"].startswith("h_")


def test_a_replayed_dead_letter_stores_the_pseudonym(store: Store, intake: Intake, school: str) -> None:
    late = {"event_type": "seen", "user_id": "student-4711", "timestamp": "1999-01-01T00:00:00Z"}
    assert take(intake, school, late).rejected
    wider = intake.store.settings.model_copy(update={"earliest_year": 1990})
    before, intake.store.settings = intake.store.settings, wider
    try:
        assert dead_letters.replay(intake, school).replayed == 1
    finally:
        intake.store.settings = before
    assert kept.event(store, school)["user"] == known_as(store, school, "student-4711")


def test_keys_are_shared_by_all_who_ask(store: Store) -> None:
    assert pseudonyms_of(store) is pseudonyms_of(store)


leaves = strategies.none() | strategies.integers(-99, 99) | strategies.sampled_from(["x", "ada-4711", "to ada-4711!"])
member = strategies.sampled_from(["user_id", "a", "Actor", "id", "ada-4711"])


def nested(inner: strategies.SearchStrategy[Any]) -> strategies.SearchStrategy[Any]:
    """Lists and objects of something."""
    return strategies.lists(inner, max_size=3) | strategies.dictionaries(member, inner, max_size=4)


@settings(deadline=None)
@given(data=strategies.recursive(leaves, nested, max_leaves=12))
def test_no_properties_whatever_tell_their_user(data: Any) -> None:
    chain = Chain([(1, KEY)], 1)
    text = json.dumps({"data": data}).encode()
    changed = naming.without(naming.renamed(text, chain.of), "ada-4711", chain.of("ada-4711"))
    assert b"ada-4711" not in changed
    assert naming.without(naming.renamed(changed, chain.of), "ada-4711", chain.of("ada-4711")) == changed
