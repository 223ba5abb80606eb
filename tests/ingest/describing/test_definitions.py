"""Event definitions: what breaks them is refused or marked, a change holds at once, and other processes see it too."""

import json
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from fastapi.testclient import TestClient
from hypothesis import given, settings
from hypothesis import strategies as st

from rollbook.errors import Invalid, NotFound, TooLarge
from rollbook.governance.definitions import Compiled, Definitions, definitions_of
from rollbook.governance.definitions import definitions as module
from rollbook.governance.tenants import tenants_of
from rollbook.ingest.intake import Intake
from rollbook.store import Store
from rollbook.store import events as table
from rollbook.store.records import Records
from tests.ingest import kept
from tests.ingest.posting import post

QUIZ = {
    "type": "object",
    "properties": {
        "score": {"type": "number", "maximum": 100},
        "answers": {"type": "array", "items": {"type": "integer"}},
        "mail": {"format": "email"},
    },
    "required": ["score"],
}


def quiz(**properties: Any) -> bytes:
    """A body with one event."""
    return json.dumps(
        [{"event_type": "quiz", "user_id": "ada", "source_service": "app", "metadata": properties}]
    ).encode()


def send(intake: Intake, tenant: str, **properties: Any) -> list[tuple[str, str]]:
    """Send one event; why it was refused, if it was."""
    receipt = intake.take_now(quiz(**properties), "native", tenant)
    return [(one.reason, one.detail) for one in receipt.rejected]


def test_lenient_marks_what_breaks_its_definition(store: Store, intake: Intake, tenant: str) -> None:
    definitions_of(store).define(tenant, "quiz", QUIZ)
    sent = {"score": 120, "answers": [1, "x"], "context": {"page": "/a"}}
    assert send(intake, tenant, **sent) == []
    assert send(intake, tenant, score=50) == []
    bad, good = sorted(kept.events(store, tenant), key=lambda row: -row["invalid"])
    problems = ['answers[1]: the value is not of type "integer"', "score: the value is greater than the maximum of 100"]
    assert sorted(bad["properties"]["context"].pop("problems")) == problems
    assert bad["properties"] == sent
    assert (bad["invalid"], good["invalid"], good["properties"]) == (1, 0, {"score": 50})
    assert kept.counts(intake, tenant) == {("native", "accepted"): 2, ("native", "invalid"): 1}


def test_strict_refuses_it_and_names_the_path(store: Store, intake: Intake, tenant: str) -> None:
    definitions_of(store).define(tenant, "quiz", QUIZ)
    tenants_of(store).change(tenant, event_checks="strict")
    detail = 'answers[0]: the value is not of type "integer"'
    assert send(intake, tenant, score=1, answers=["secret"]) == [("invalid_schema", detail)]
    assert send(intake, tenant, score=1) == []
    (letter,) = kept.letters(store, tenant)
    assert (letter["reason"], letter["stage"], letter["detail"]) == ("invalid_schema", "check", detail)
    assert json.loads(letter["body"])["metadata"]["answers"] == ["secret"]


def test_off_checks_nothing_and_unknown_types_are_refused_only_where_wanted(
    store: Store, intake: Intake, tenant: str
) -> None:
    definitions, tenants = definitions_of(store), tenants_of(store)
    definitions.define(tenant, "quiz", QUIZ)
    tenants.change(tenant, event_checks="off", refuse_unknown_types=True)
    assert send(intake, tenant, score="x") == []
    tenants.change(tenant, event_checks="lenient")
    seen = b'[{"event_type": "seen"}]'
    assert [one.reason for one in intake.take_now(seen, "native", tenant).rejected] == ["unknown_type"]
    definitions.remove(tenant, "quiz")
    assert intake.take_now(seen, "native", tenant).ingested == 1


def test_one_bad_event_leaves_its_neighbours_alone(store: Store, intake: Intake, tenant: str) -> None:
    tenants_of(store).create(tenant, event_checks="strict")
    definitions_of(store).define(tenant, "quiz", QUIZ)
    events = [
        {"event_type": "quiz", "user_id": f"user-{n}", "metadata": {"score": n, "by": f"user-{n}"}} for n in (1, 200, 3)
    ]
    receipt = intake.take_now(json.dumps(events).encode(), "native", tenant)
    assert [one.index for one in receipt.rejected] == [1]
    rows = kept.events(store, tenant)
    assert sorted(row["properties"]["score"] for row in rows) == [1, 3]
    assert all(row["properties"]["by"] == row["user"] != "" for row in rows)


def test_a_change_holds_at_once(store: Store, intake: Intake, tenant: str) -> None:
    definitions = definitions_of(store)
    tenants_of(store).change(tenant, event_checks="strict")
    for most in (10, 20, 30):
        definitions.define(tenant, "quiz", {"properties": {"score": {"maximum": most}}})
        assert send(intake, tenant, score=most) == []
        assert send(intake, tenant, score=most + 1) == [
            ("invalid_schema", f"score: the value is greater than the maximum of {most}")
        ]
    definitions.remove(tenant, "quiz")
    assert send(intake, tenant, score=1000) == []


OTHER = """
import json, sys
from rollbook.governance.definitions import Definitions
from rollbook.settings import load
from rollbook.store.records import Records
records = Records(load(data=sys.argv[1]))
Definitions(records, None).define(sys.argv[2], "quiz", json.loads(sys.argv[3]))
records.close()
"""


def test_another_process_is_seen_within_a_second(store: Store, intake: Intake, tenant: str) -> None:
    tenants_of(store).change(tenant, event_checks="strict")
    assert send(intake, tenant, score="x") == []
    arguments = [str(store.settings.data), tenant, json.dumps(QUIZ)]
    subprocess.run([sys.executable, "-c", OTHER, *arguments], check=True)
    deadline = time.monotonic() + 2 * module.AT_MOST_SECONDS_OLD
    refused: list[tuple[str, str]] = []
    while not refused and time.monotonic() < deadline:
        refused = send(intake, tenant, score="x")
    assert refused == [("invalid_schema", 'score: the value is not of type "number"')]


def test_only_what_changed_is_compiled_anew(store: Store, tenant: str) -> None:
    definitions = Definitions(store.records, tenants_of(store))
    definitions.define(tenant, "a", {})
    definitions.define(tenant, "b", {})
    before = definitions.compiled(tenant)
    other = Definitions(Records(store.settings), tenants_of(store))
    other.define(tenant, "b", {"type": "object"})
    definitions._known[tenant] = module._Known(0.0, *_rest(definitions, tenant))
    after = definitions.compiled(tenant)
    assert after["a"] is before["a"]
    assert after["b"] is not before["b"]


def _rest(definitions: Definitions, tenant: str) -> tuple[Any, ...]:
    known = definitions._known[tenant]
    return known.version, known.compiled, known.stamps


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ({"type": "nope"}, "wrong at type"),
        ({"properties": {"a": {"minimum": "x"}}}, r"wrong at properties\.a\.minimum"),
        ({"$ref": "http://127.0.0.1:1/x"}, "schema"),
        ({"$ref": "file:///etc/passwd"}, "schema"),
        ({"pattern": "(?=a)b"}, "wrong at pattern"),
        ({"description": "x" * 70_000}, "longer than"),
        ({"const": "\x00"}, "NUL"),
        ({"const": float("nan")}, "number that is none"),
        ({"const": "\ud800"}, "surrogate"),
    ],
)
def test_a_wrong_schema_is_refused_with_its_place(
    store: Store, tenant: str, schema: dict[str, Any], message: str
) -> None:
    with pytest.raises(Invalid, match=message):
        definitions_of(store).define(tenant, "quiz", schema)
    with pytest.raises(NotFound):
        definitions_of(store).one(tenant, "quiz")


@pytest.mark.parametrize("type", ["", "  ", "a\nb", "x" * 257, "\ud800"])
def test_a_type_has_a_name_that_can_be_kept(store: Store, tenant: str, type: str) -> None:
    with pytest.raises(Invalid):
        definitions_of(store).define(tenant, type, {})


def test_a_tenant_has_so_many_definitions(store: Store, tenant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_DEFINITIONS", 2)
    for type in ("a", "b", "a"):
        definitions_of(store).define(tenant, type, {})
    with pytest.raises(TooLarge, match="has 2 event definitions"):
        definitions_of(store).define(tenant, "c", {})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(("score", "answers", "mail", "x")), JSON, max_size=4))
def test_it_finds_what_python_finds(properties: dict[str, Any]) -> None:
    found = Compiled(QUIZ).problems(json.dumps(properties).encode())
    score, answers = properties.get("score"), properties.get("answers", [])
    is_number = isinstance(score, int | float) and not isinstance(score, bool)
    wrong = not is_number or float(score or 0) > 100 or not isinstance(answers, list)
    wrong = wrong or any(isinstance(one, bool) or not isinstance(one, int | float) or one % 1 for one in answers)
    mail = properties.get("mail")
    assert bool(found) == wrong or isinstance(mail, str)


def test_numbers_that_nothing_can_hold_are_none() -> None:
    compiled = Compiled({"properties": {"score": {"type": "number"}}})
    assert compiled.problems(b'{"score": 1e999}') == ['score: the value is not of type "number"']
    assert compiled.problems(b'{"score": ' + b"9" * 5000 + b"}") != []
    assert compiled.problems(b'{"score": 123456789012345678901234567890}') == []


def test_imports_are_marked_and_never_refused(store: Store, intake: Intake, tenant: str, tmp_path: Path) -> None:
    definitions_of(store).define(tenant, "quiz", QUIZ)
    tenants_of(store).change(tenant, event_checks="strict")
    rows = [
        {name: "" for name in table.SCHEMA.names if name not in ("received", "dialect")}
        | {"tenant": tenant, "id": f"i{n}", "type": "quiz", "score": None, "duration": None}
        | {"timestamp": datetime(2026, 3, 2), "properties": json.dumps({"score": n})}
        for n in (50, 500)
    ]
    loaded = pa.Table.from_pylist(rows, pa.schema([table.SCHEMA.field(name) for name in rows[0]]))
    assert intake.load(loaded, "import_csv").ingested == 2
    assert [(row["properties"]["score"], row["invalid"]) for row in kept.events(store, tenant)] == [(50, 0), (500, 1)]


def test_over_http(client: TestClient, tenant: str) -> None:
    def call(method: str, path: str, **more: Any) -> Any:
        return client.request(method, path, params={"tenant_id": tenant}, **more)

    address = "/api/v2/event-definitions/quiz"
    assert call("PUT", address, json={"schema": QUIZ, "description": "A quiz"}).status_code == 201
    assert call("PUT", address, json={"schema": QUIZ}).status_code == 200
    assert call("GET", address).json()["schema"] == QUIZ
    assert call("PUT", "/api/v2/event-definitions/a/b", json={"schema": {}}).status_code == 201
    listed = call("GET", "/api/v2/event-definitions").json()
    assert listed["event_checks"] == "lenient"
    assert [one["event_type"] for one in listed["definitions"]] == ["a/b", "quiz"]
    assert call("PUT", address, json={"schema": {"type": 7}}).status_code == 422
    body = [
        {"event_type": "quiz", "user_id": "ada", "metadata": {"score": 1, "extra": True}},
        {"event_type": "seen", "user_id": "ada"},
    ]
    assert post(client, "/api/v2/events", tenant, body).status_code == 200
    unknown = call("GET", "/api/v2/undefined-events").json()
    assert unknown["types"] == [{"event_type": "seen", "events": 1}]
    (extra,) = unknown["properties"]
    assert (extra["event_type"], extra["property"], extra["kinds"]) == ("quiz", "extra", ["boolean"])
    assert call("DELETE", address).json()["schema"] == QUIZ
    assert call("DELETE", address).status_code == 404
