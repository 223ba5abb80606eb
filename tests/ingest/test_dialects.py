"""Dialects: events as the documents show them, and as people really write them."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from rollbook.ingest.batch import Batch
from rollbook.ingest.dialects import DIALECTS
from rollbook.ingest.intake import Intake
from rollbook.ingest.pipeline import prepare
from rollbook.settings import Settings
from rollbook.store import Store
from tests.ingest import kept

DOCUMENT_1 = """{
  "event_type": "quiz_completion",
  "user_id": "user_123",
  "timestamp": "2024-01-01T10:00:00Z",
  "metadata": {
    "concept_id": "algebra_basics",
    "score": 85,
    "duration": 300
  }
}"""
DOCUMENT_4 = """{
  "ts": "2024-01-01T12:00:00Z",
  "user_id": "user-123",
  "type": "page_view",
  "src": "web_app",
  "payload": {
    "page": "/dashboard",
    "referrer": "/login",
    "session_id": "sess-456"
  }
}"""
BASE: dict[str, Any] = {
    "event_id": "e-1",
    "tenant_id": "TENANT",
    "timestamp": "2026-03-02T10:00:00Z",
    "source_service": "chat",
    "version": "1.0",
}
CONVERSATION = {
    "event_type": "conversation.message.sent",
    "conversation_id": "c-1",
    "user_id": "ada",
    "channel": "web",
    "event_data": {"intent": "help", "confidence": 0.5},
    "metadata": {"intent": "other"},
}
METRIC = {
    "event_type": "system.metric",
    "metric_name": "cpu",
    "metric_value": 0.75,
    "metric_type": "gauge",
    "tags": {"host": "a"},
    "unit": "share",
}
USAGE = {
    "event_type": "model.usage",
    "model_provider": "acme",
    "model_name": "small",
    "operation": "chat",
    "tokens_used": 120,
    "cost_cents": 0.25,
    "latency_ms": 900,
    "success": True,
}
# how each dialect names the canonical fields
TYPE = {
    "native": "event_type",
    "agent": "event_type",
    "studyin": "event_type",
    "ingest": "type",
    "engine": "event_type",
}
TIME = {"native": "timestamp", "agent": "timestamp", "studyin": "timestamp", "ingest": "ts", "engine": "timestamp"}
PROPERTIES = {
    "native": "metadata",
    "agent": "metadata",
    "studyin": "properties",
    "ingest": "payload",
    "engine": "metadata",
}
SOURCE = {
    "native": "source_service",
    "agent": "source_service",
    "studyin": "source_service",
    "ingest": "src",
    "engine": "source_service",
}

dialects = pytest.mark.parametrize("dialect", DIALECTS)


def send(intake: Intake, dialect: str, tenant: str, *events: Any) -> list[str]:
    """Send a list of events that are all taken; the ids they got."""
    receipt = intake.take_now(json.dumps(events).encode(), dialect, tenant)
    assert receipt.rejected == []
    assert receipt.ingested == len(events)
    return receipt.ids


def refused(intake: Intake, dialect: str, tenant: str, event: Any) -> tuple[str, str]:
    """The reason and the detail for which an event is refused."""
    receipt = intake.take_now(json.dumps([event]).encode(), dialect, tenant)
    (one,) = receipt.rejected
    return one.reason, one.detail


def test_document_1(store: Store, intake: Intake, tenant: str) -> None:
    (given,) = intake.take_now(DOCUMENT_1.encode(), "agent", tenant).ids
    row = kept.event(store, tenant)
    assert (row["id"], row["type"], row["user"]) == (given, "quiz_completion", "user_123")
    assert row["timestamp"] == datetime(2024, 1, 1, 10, tzinfo=UTC)
    assert (row["concept"], row["score"], row["duration"]) == ("algebra_basics", 85, 300)
    assert row["properties"] == {"concept_id": "algebra_basics", "score": 85, "duration": 300}
    assert (row["dialect"], row["source"], row["session"]) == ("agent", "", "")


def test_document_1_without_a_timestamp_as_in_its_usage_example(store: Store, intake: Intake, tenant: str) -> None:
    before = datetime.now(UTC) - timedelta(milliseconds=1)
    send(intake, "agent", tenant, {"event_type": "quiz_completion", "user_id": "user_123", "metadata": {"score": 85}})
    row = kept.event(store, tenant)
    assert before <= row["timestamp"] <= row["received"] <= datetime.now(UTC)


def test_document_4(store: Store, intake: Intake, tenant: str) -> None:
    intake.take_now(DOCUMENT_4.encode(), "ingest", tenant)
    row = kept.event(store, tenant)
    assert (row["type"], row["user"], row["source"], row["session"]) == ("page_view", "user-123", "web_app", "sess-456")
    assert row["timestamp"] == datetime(2024, 1, 1, 12, tzinfo=UTC)
    assert row["properties"] == {"page": "/dashboard", "referrer": "/login", "session_id": "sess-456"}


@pytest.mark.parametrize("dialect", ["engine", "native"])
def test_document_5_and_its_kinds_of_events(store: Store, intake: Intake, tenant: str, dialect: str) -> None:
    base = BASE | {"tenant_id": tenant}
    shapes: tuple[dict[str, Any], ...] = (
        CONVERSATION,
        METRIC,
        USAGE,
        {"event_type": "integration.synced", "metadata": {"k": [1, {"deep": None}]}},
    )
    told = [base | shape | {"event_id": f"e-{n}"} for n, shape in enumerate(shapes)]
    assert send(intake, dialect, "not-theirs", *told) == ["e-0", "e-1", "e-2", "e-3"]
    talk, metric, usage, other = kept.events(store, tenant)
    assert (talk["conversation"], talk["channel"], talk["user"], talk["source"]) == ("c-1", "web", "ada", "chat")
    # event_data lies beside the metadata, which wins
    assert talk["properties"] == {
        "version": "1.0", "conversation_id": "c-1", "channel": "web", "intent": "other", "confidence": 0.5
    }  # fmt: skip
    assert metric["properties"] == {
        "version": "1.0", "metric_name": "cpu", "metric_value": 0.75, "metric_type": "gauge",
        "tags": {"host": "a"}, "unit": "share",
    }  # fmt: skip
    assert usage["properties"] == {"version": "1.0"} | {k: v for k, v in USAGE.items() if k != "event_type"}
    assert other["properties"] == {"version": "1.0", "k": [1, {"deep": None}]}


def test_native_needs_only_a_type(store: Store, intake: Intake, tenant: str) -> None:
    (given,) = send(intake, "native", tenant, {"event_type": "seen"})
    row = kept.event(store, tenant)
    assert (row["id"], row["type"], row["user"], row["properties"]) == (given, "seen", "", {})


def test_native_takes_the_short_names_too(store: Store, intake: Intake, tenant: str) -> None:
    short = {"type": "seen", "user": "ada", "id": "e-1", "source": "app", "tenant": tenant, "properties": {"a": 1}}
    send(intake, "native", "not-theirs", short)
    row = kept.event(store, tenant)
    assert (row["id"], row["type"], row["user"], row["source"]) == ("e-1", "seen", "ada", "app")
    assert row["properties"] == {"a": 1}


def test_a_second_spelling_of_a_field_is_kept_as_a_property(store: Store, intake: Intake, tenant: str) -> None:
    send(intake, "native", tenant, {"event_type": "seen", "type": "b", "metadata": {"a": 1}, "properties": {"a": 2}})
    row = kept.event(store, tenant)
    assert row["type"] == "seen"
    assert row["properties"] == {"type": "b", "a": 1, "properties": {"a": 2}}


@dialects
def test_every_dialect_takes_an_event_id_and_a_tenant(store: Store, intake: Intake, tenant: str, dialect: str) -> None:
    event = {TYPE[dialect]: "seen", "user_id": "ada", "event_id": "mine", "tenant_id": tenant, SOURCE[dialect]: "app"}
    assert send(intake, dialect, "not-theirs", event) == ["mine"]
    row = kept.event(store, tenant)
    assert (row["id"], row["type"], row["user"], row["source"]) == ("mine", "seen", "ada", "app")
    assert (row["dialect"], row["tenant"]) == (dialect, tenant)


@dialects
def test_unknown_fields_are_kept_below_the_properties(store: Store, intake: Intake, tenant: str, dialect: str) -> None:
    event = {TYPE[dialect]: "seen", "colour": "red", "size": {"w": 1.50}, PROPERTIES[dialect]: {"colour": "blue"}}
    send(intake, dialect, tenant, event)
    assert kept.event(store, tenant)["properties"] == {"colour": "blue", "size": {"w": 1.5}}


@dialects
def test_fast_and_tolerant_reading_agree(settings: Settings, dialect: str) -> None:
    plain: dict[str, Any] = {
        TYPE[dialect]: "seen",
        "user_id": "ada",
        TIME[dialect]: "2026-03-02T10:00:00.123+02:00",
        "event_id": "e",
    }
    plain[PROPERTIES[dialect]] = {"score": 7, "text": "naïve 🎓", "list": [1.0, {"a": None}]}
    fields = ("type", "user", "timestamp", "id", "tenant", "source")
    body = json.dumps(plain).encode()
    fast, loose = DIALECTS[dialect].read(body)[0], DIALECTS[dialect].read_one(body)
    assert [getattr(fast, name) for name in fields] == [getattr(loose, name) for name in fields]
    assert json.loads(bytes(fast.properties)) == json.loads(bytes(loose.properties))


@dialects
@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2026-03-02T10:00:00Z", datetime(2026, 3, 2, 10, tzinfo=UTC)),
        ("2026-03-02T10:00:00", datetime(2026, 3, 2, 10, tzinfo=UTC)),
        ("2026-03-02 10:00:00", datetime(2026, 3, 2, 10, tzinfo=UTC)),
        ("2026-03-02T10:00:00.123456+05:30", datetime(2026, 3, 2, 4, 30, 0, 123_000, tzinfo=UTC)),
        ("2026-03-02 10:00 UTC", datetime(2026, 3, 2, 10, tzinfo=UTC)),
        ("2026-03-02", datetime(2026, 3, 2, tzinfo=UTC)),
        ("Mon, 02 Mar 2026 10:00:00 +0100", datetime(2026, 3, 2, 9, tzinfo=UTC)),
        ("Mon, 02 Mar 2026 10:00:00 GMT", datetime(2026, 3, 2, 10, tzinfo=UTC)),
        (1772445600, datetime(2026, 3, 2, 10, tzinfo=UTC)),
        (1772445600.25, datetime(2026, 3, 2, 10, 0, 0, 250_000, tzinfo=UTC)),
        (1772445600123, datetime(2026, 3, 2, 10, 0, 0, 123_000, tzinfo=UTC)),
        ("1772445600", datetime(2026, 3, 2, 10, tzinfo=UTC)),
        ("1772445600123", datetime(2026, 3, 2, 10, 0, 0, 123_000, tzinfo=UTC)),
    ],
)
def test_times_as_people_write_them(settings: Settings, dialect: str, written: Any, meant: datetime) -> None:
    body = json.dumps({TYPE[dialect]: "seen", TIME[dialect]: written}).encode()
    batch = prepare(Batch(body, DIALECTS[dialect], datetime.now(UTC), "default"), settings)
    assert batch.rejected == []
    moment = batch.events[0].timestamp
    assert moment is not None
    assert moment.replace(microsecond=moment.microsecond // 1000 * 1000) == meant


@dialects
@pytest.mark.parametrize("written", [None, ""])
def test_no_time_is_the_time_of_receipt(settings: Settings, dialect: str, written: Any) -> None:
    now = datetime(2026, 3, 2, 10, tzinfo=UTC)
    body = json.dumps({TYPE[dialect]: "seen", TIME[dialect]: written}).encode()
    assert prepare(Batch(body, DIALECTS[dialect], now, "default"), settings).events[0].timestamp == now


@dialects
@pytest.mark.parametrize("written", ["soon", "2026-13-01", True, [2026], {"a": 1}, "9" * 400, 10**30, -(10**30)])
def test_what_is_no_time(intake: Intake, tenant: str, dialect: str, written: Any) -> None:
    reason, detail = refused(intake, dialect, tenant, {TYPE[dialect]: "seen", TIME[dialect]: written})
    assert reason == "invalid_timestamp"
    assert "ISO 8601" in detail


@dialects
def test_numeric_ids_are_written_out(store: Store, intake: Intake, tenant: str, dialect: str) -> None:
    event: dict[str, Any] = {TYPE[dialect]: "seen", "user_id": 42, "event_id": 9007199254740993}
    event[PROPERTIES[dialect]] = {"course_id": 7, "session_id": 12}
    assert send(intake, dialect, tenant, event) == ["9007199254740993"]
    row = kept.event(store, tenant)
    assert (row["user"], row["course"], row["session"]) == ("42", "7", "12")


@dialects
def test_scores_as_texts_count_and_what_is_no_number_does_not(
    store: Store, intake: Intake, tenant: str, dialect: str
) -> None:
    scores = ["85", " 85.5 ", 85, "many", [85], True, None, "nan", "1e999"]
    told = [
        {TYPE[dialect]: "seen", TIME[dialect]: 1772445600 + n, PROPERTIES[dialect]: {"score": score, "duration": "9"}}
        for n, score in enumerate(scores)
    ]
    send(intake, dialect, tenant, *told)
    rows = kept.events(store, tenant)
    assert [row["score"] for row in rows] == [85, 85.5, 85, None, None, None, None, None, None]
    assert {row["duration"] for row in rows} == {9}
    assert [row["properties"]["score"] for row in rows] == scores


@dialects
def test_scores_of_any_form_are_from_0_to_100_and_stay_properties_as_they_came(
    store: Store, intake: Intake, tenant: str, dialect: str
) -> None:
    forms: list[dict[str, Any]] = [
        {"score": {"scaled": 0.85}, "concept_id": "k"},
        {"result": {"score": {"raw": 17, "min": 0, "max": 20}}},
        {"scoreGiven": 17, "maxScore": 20},
        {"generated": {"scoreGiven": "17", "maxScore": 20}},
        {"score": 17, "max_score": 20},
        {"score": 101},
        {"score": -1},
        {"score": {"scaled": 1.01}},
        {"scoreGiven": 17},
        {"result": "Pass", "course_id": "c"},
    ]
    told = [{TYPE[dialect]: "seen", TIME[dialect]: 1772445600 + n, PROPERTIES[dialect]: p} for n, p in enumerate(forms)]
    send(intake, dialect, tenant, *told[:5])
    for one in told[5:]:
        send(intake, dialect, tenant, one)
    rows = kept.events(store, tenant)
    assert [row["score"] for row in rows] == [85] * 5 + [None] * 5
    assert [row["properties"] for row in rows] == forms
    assert (rows[0]["concept"], rows[9]["course"]) == ("k", "c")


def test_numbers_that_nothing_can_hold_stay_as_they_were_written(store: Store, intake: Intake, tenant: str) -> None:
    huge = "1" * 5000
    body = f'[{{"event_type": "a", "metadata": {{"n":{huge},"score":1e999}}}}, {{"event_type": "b", "x": 1e999}}]'
    assert intake.take_now(body.encode(), "native", tenant).rejected == []
    sql = "select properties, score from events where tenant = {tenant:String} order by type"
    rows = store.engine.query(sql, {"tenant": tenant})
    assert [row["properties"] for row in rows] == [f'{{"n":{huge},"score":1e999}}', '{"x":1e999}']
    assert [row["score"] for row in rows] == [None, None]


def test_long_ids_in_properties_are_cut_in_their_columns_only(store: Store, intake: Intake, tenant: str) -> None:
    send(intake, "native", tenant, {"event_type": "seen", "metadata": {"course_id": "c" * 300}})
    row = kept.event(store, tenant)
    assert (row["course"], row["properties"]["course_id"]) == ("c" * 256, "c" * 300)


@pytest.mark.parametrize("dialect", ["engine", "native"])
@pytest.mark.parametrize(
    ("shape", "says"),
    [
        (USAGE | {"tokens_used": "many"}, "tokens_used has the wrong type (str)"),
        (USAGE | {"tokens_used": True}, "tokens_used has the wrong type (bool)"),
        (USAGE | {"success": 1}, "success has the wrong type (int)"),
        ({k: v for k, v in USAGE.items() if k != "tokens_used"}, "model usage lacks tokens_used"),
        (METRIC | {"metric_value": "0.75"}, "metric_value has the wrong type (str)"),
        (METRIC | {"metric_type": "guess"}, "metric_type must be one of counter, gauge, histogram, summary, rate"),
        (METRIC | {"tags": ["a"]}, "tags has the wrong type (list)"),
        (CONVERSATION | {"conversation_id": ["c"]}, "wrong type"),
        # model usage comes before the metric, the metric before the conversation
        (METRIC | USAGE | {"tokens_used": "many"}, "model usage: tokens_used"),
        (CONVERSATION | METRIC | {"tags": 1}, "a system metric: tags"),
    ],
)
def test_document_5_checks(intake: Intake, tenant: str, dialect: str, shape: dict[str, Any], says: str) -> None:
    reason, detail = refused(intake, dialect, tenant, shape)
    assert reason == "invalid_value"
    assert says in detail


@pytest.mark.parametrize("dialect", ["engine", "native"])
def test_document_5_selection(store: Store, intake: Intake, tenant: str, dialect: str) -> None:
    half_metric = {"event_type": "half", "metric_name": "cpu", "tags": {"a": 1}, "timestamp": 1772445600}
    no_type = {"event_type": "bare", "metric_name": "cpu", "metric_value": 1, "timestamp": 1772445601}
    talk = {"event_type": "talk", "conversation_id": 7, "model_provider": None, "timestamp": 1772445602}
    send(intake, dialect, tenant, half_metric, no_type, talk)
    half, bare, spoken = kept.events(store, tenant)
    # a name without a value is no metric: its fields are properties like any other
    assert half["properties"] == {"metric_name": "cpu", "tags": {"a": 1}}
    assert bare["properties"] == {"metric_name": "cpu", "metric_value": 1, "metric_type": "gauge"}
    assert spoken["conversation"] == "7"


@pytest.mark.parametrize("dialect", ["engine", "native"])
@pytest.mark.parametrize("wrong", [{"event_data": [1]}, {"metadata": "x"}, {"event_data": "x", "conversation_id": "c"}])
def test_document_5_objects_must_be_objects(intake: Intake, tenant: str, dialect: str, wrong: dict[str, Any]) -> None:
    assert refused(intake, dialect, tenant, {"event_type": "seen"} | wrong)[0] == "invalid_properties"


@dialects
@pytest.mark.parametrize("wrong", [[1], "text", 5, True])
def test_properties_must_be_an_object(intake: Intake, tenant: str, dialect: str, wrong: Any) -> None:
    assert (
        refused(intake, dialect, tenant, {TYPE[dialect]: "seen", PROPERTIES[dialect]: wrong})[0] == "invalid_properties"
    )


@dialects
def test_null_is_as_not_given(store: Store, intake: Intake, tenant: str, dialect: str) -> None:
    names = (TIME[dialect], PROPERTIES[dialect], SOURCE[dialect], "user_id", "event_id", "tenant_id")
    (given,) = send(intake, dialect, tenant, {TYPE[dialect]: "seen"} | dict.fromkeys(names))
    row = kept.event(store, tenant)
    assert (row["id"], row["user"], row["source"], row["properties"]) == (given, "", "", {})


@pytest.mark.parametrize("name", DIALECTS)
def test_every_registered_dialect(settings: Settings, name: str) -> None:
    """What must hold for any dialect: its least event, a list of none, a bad one among good ones, its description."""
    dialect = DIALECTS[name]
    assert dialect.name == name
    assert set(dialect.names) == {"type", "user", "timestamp", "id", "tenant", "source", "properties"}
    key = dialect.names["type"][0]
    now = datetime.now(UTC)
    for body, taken in ((b"[]", 0), (b"{%b}", 1), (b"[{%b}, 5, {%b}]", 2)):
        filled = body.replace(b"%b", f'"{key}": "seen"'.encode())
        batch = prepare(Batch(filled, dialect, now, "default"), settings)
        assert [event.type for event in batch.events] == ["seen"] * taken
        assert all(event.id and event.tenant == "default" and event.timestamp == now for event in batch.events)
        assert [(one.index, one.reason) for one in batch.rejected] == [(1, "not_an_object")] * (b"5" in filled)
