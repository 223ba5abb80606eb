"""Scrubbing: what looks like an e-mail address, a phone number or a name goes; ids, times and numbers stay."""

import json
from datetime import date, datetime
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, strategies

from rollbook.governance.minimisation.scrubbing import MEMBERS, scrubbed, scrubbed_text, suspect
from rollbook.governance.tenants import tenants_of
from rollbook.ingest.importing import event_rows
from rollbook.ingest.intake import Intake
from rollbook.store import Store
from tests.ingest import kept

EMAILS = ["ada@school.example", "Ada.Love+x@mail.school.co.uk", "zoë@schule.example", "a@b.de"]
PHONES = [
    *("+49 30 1234567", "+4930123456", "+1 (555) 123-4567", "+44 20 7946 0958", "+33.1.23.45.67.89"),
    *("030 1234567", "(020) 7946 0958", "0171/1234567", "0171-123 45 67", "555-123-4567", "(555) 123-4567"),
    *("1-800-555-1234", "555.123.4567"),
]

words = strategies.sampled_from(["the", "learner", "wrote", "(twice)", "Übung", "a/b", "x=1", "?", "12", "done."])
digits = strategies.integers(0, 10**18).map(str)
identifiers = (
    strategies.uuids().map(str)
    | digits
    | strategies.builds("s-{}-{}".format, digits, digits)
    | strategies.builds("course_{}".format, digits)
    | strategies.builds("v{}.{}.{}".format, *[strategies.integers(0, 99)] * 3)
)
moments = strategies.datetimes(datetime(1000, 1, 1))
days = strategies.dates(date(1000, 1, 1))
times = (
    moments.map(str)
    | moments.map(lambda at: at.isoformat() + "+01:00")
    | days.map(str)
    | days.map(lambda day: day.strftime("%d.%m.%Y"))
    | days.map(lambda day: day.strftime("%d/%m/%Y"))
    | days.map(lambda day: day.strftime("%d-%m-%Y"))
    | strategies.times().map(str)
)
scores = (
    strategies.floats(0, 100).map(str)
    | strategies.builds("{}/{}".format, strategies.integers(0, 999), strategies.integers(0, 9_999))
    | strategies.integers(0, 100).map("{} %".format)
    | strategies.lists(strategies.integers(0, 2_000), max_size=5).map(lambda found: " ".join(map(str, found)))
    | strategies.lists(strategies.integers(0, 2_000), max_size=5).map(lambda found: ", ".join(map(str, found)))
)
harmless = words | identifiers | times | scores


@given(strategies.lists(harmless, max_size=4), strategies.sampled_from(EMAILS), strategies.sampled_from(PHONES))
def test_only_what_is_somebodys_goes(pieces: list[str], email: str, phone: str) -> None:
    for piece in pieces:
        assert scrubbed_text(piece) == piece
    around = [f"({piece})" for piece in pieces]
    told = " and ".join([*around, email, f"call {phone}", *around])
    left = " and ".join([*around, "[email]", "call [phone]", *around])
    assert scrubbed_text(told) == left


@given(
    strategies.recursive(
        strategies.none() | strategies.booleans() | strategies.integers() | harmless,
        lambda inner: strategies.lists(inner, max_size=3) | strategies.dictionaries(harmless, inner, max_size=3),
        max_leaves=10,
    )
)
def test_harmless_properties_stay_as_they_are_at_any_depth(data: Any) -> None:
    text = json.dumps({"data": data}).encode()
    assert json.loads(scrubbed(text)) == json.loads(text)


@pytest.mark.parametrize("told", [*EMAILS, *PHONES, '"quoted" ada@school.example'])
@pytest.mark.parametrize("form", ["{%s: 1}", '{"a": {"b": [1, %s]}}', '{"a": %s}'])
def test_it_is_found_at_any_depth_and_in_names(told: str, form: str) -> None:
    for ascii_only in (True, False):
        text = (form % json.dumps(f"by {told}.", ensure_ascii=ascii_only)).encode()
        assert suspect(text)
        left = scrubbed(text).decode()
        assert "[email]" in left or "[phone]" in left
        assert told not in json.loads(json.dumps(left))


def test_members_that_say_what_they_hold_lose_it_whole() -> None:
    told = {
        "first_name": "Ada",
        "lastName": "Lovelace",
        "Phone": 491701234567,
        "email": "none",
        "name": "Quiz 1",
        "teacher": {"name": "Mary", "room": "B 12"},
        "course": {"name": "Algebra"},
        "display-name": {"de": "Ada", "en": ["Ada L."]},
        "fullName": "",
        "mobile": None,
        "mail": True,
    }
    assert json.loads(scrubbed(json.dumps(told).encode())) == {
        "first_name": "[name]",
        "lastName": "[name]",
        "Phone": "[phone]",
        "email": "[email]",
        "name": "Quiz 1",
        "teacher": {"name": "[name]", "room": "B 12"},
        "course": {"name": "Algebra"},
        "display-name": {"de": "[name]", "en": ["[name]"]},
        "fullName": "",
        "mobile": None,
        "mail": True,
    }


def test_two_members_that_become_one_both_stay() -> None:
    assert json.loads(scrubbed(b'{"a@b.de":1,"c@d.de":2,"[email]":3}')) == {
        "[email]": 1,
        "[email] 2": 2,
        "[email] 3": 3,
    }


def test_numbers_keep_every_digit() -> None:
    text = b'{"a@b.de":1.10,"n":123456789012345678901234567890,"e":1e400}'
    assert scrubbed(text) == b'{"[email]":1.10,"n":123456789012345678901234567890,"e":1e400}'


@pytest.fixture
def school(store: Store, tenant: str) -> str:
    """A tenant that scrubs, but for the contact of an office, and what help requests say."""
    allow = {"*": ["office_email"], "help": ["message"]}
    tenants_of(store).create(tenant, pseudonyms=False, scrub=True, scrub_allow=allow)
    return tenant


def test_a_tenant_that_scrubs_keeps_only_what_it_allows(store: Store, tenant: str, school: str) -> None:
    metadata = {"message": "mail ada@school.example", "officeEmail": "office@school.example", "session_id": "s-030"}
    events = [
        {"event_type": kind, "event_id": kind, "user_id": "ada@school.example", "metadata": metadata}
        for kind in ("help", "said")
    ]
    intake = Intake(store)
    try:
        assert intake.take_now(json.dumps(events).encode(), "native", school).ingested == 2
        rows = {
            "id": pa.array(["bulk"]),
            "timestamp": pa.array([1_772_445_600_000], pa.timestamp("ms")),
            "type": "said",
            "properties": pa.array([json.dumps(metadata)]),
        }
        assert intake.load(event_rows(school, rows), "import:test").ingested == 1
    finally:
        intake.close()
    found = {event["id"]: event["properties"] for event in kept.events(store, school)}
    assert found["help"] == metadata
    assert found["said"] == found["bulk"] == metadata | {"message": "mail [email]"}


def test_a_tenant_that_does_not_scrub_keeps_everything(store: Store, tenant: str) -> None:
    intake = Intake(store)
    try:
        intake.take_now(b'{"event_type":"said","metadata":{"email":"ada@school.example"}}', "native", tenant)
    finally:
        intake.close()
    assert kept.event(store, tenant)["properties"] == {"email": "ada@school.example"}


def test_every_member_that_goes_is_looked_for() -> None:
    for name in MEMBERS:
        assert suspect(f'{{"{name.upper()}":1}}'.encode()), name
    assert suspect(b'{"user":{"name":"Ada"}}')
