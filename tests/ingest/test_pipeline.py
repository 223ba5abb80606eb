"""The pipeline: every reason is given where it should be, no other ever is, and every event is accounted for."""

import json
import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from rollbook.errors import NotJson, TooLarge
from rollbook.ingest.batch import Batch
from rollbook.ingest.columns import rows_of
from rollbook.ingest.dialects import DIALECTS
from rollbook.ingest.intake import Intake
from rollbook.ingest.pipeline import STEPS, prepare
from rollbook.ingest.reasons import NOT_PERMITTED, NOT_THEIRS, REASONS
from rollbook.settings import Settings, load
from rollbook.store import Store
from tests.ingest import kept

NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)
LIMITS = load(
    data=Path("unused"), max_event_bytes=2_000, max_nesting=4, max_id_length=64, deny_types="spam", earliest_year=2000
)
GOOD = b'{"event_type": "seen"}'
DEEP = b"[" * 5_000 + b"]" * 5_000


def prepared(body: bytes, dialect: str = "native", settings: Settings = LIMITS, **more: Any) -> Batch:
    """A body after all steps."""
    return prepare(Batch(body, DIALECTS[dialect], NOW, "default", **more), settings)


def reasons(body: bytes, dialect: str = "native", settings: Settings = LIMITS) -> list[str]:
    """Why the events of a body were refused."""
    return [one.reason for one in prepared(body, dialect, settings).rejected]


# for every reason that a single event can be refused for: one such event, and the step that refuses it
REFUSED: dict[str, tuple[bytes, str]] = {
    "not_json": (b"NaN", "read"),
    "not_utf8": (b'{"event_type": "s\xff"}', "read"),
    "not_an_object": (b'["event_type"]', "read"),
    "invalid_type": (b'{"user_id": "ada"}', "read"),
    "invalid_id": (b'{"event_type": "seen", "event_id": {}}', "read"),
    "invalid_user": (b'{"event_type": "seen", "user_id": [1]}', "read"),
    "invalid_tenant": (b'{"event_type": "seen", "tenant_id": "a\\u001fb"}', "measure"),
    "invalid_source": (b'{"event_type": "seen", "source_service": true}', "read"),
    "invalid_timestamp": (b'{"event_type": "seen", "timestamp": "soon"}', "read"),
    "timestamp_in_future": (b'{"event_type": "seen", "timestamp": "2026-03-03T10:00:01Z"}', "date"),
    "timestamp_too_old": (b'{"event_type": "seen", "timestamp": "1999-12-31T23:59:59Z"}', "date"),
    "too_long": (b'{"event_type": "seen", "user_id": "' + b"a" * 65 + b'"}', "measure"),
    "invalid_properties": (b'{"event_type": "seen", "metadata": 5}', "weigh"),
    "invalid_value": (b'{"event_type": "seen", "model_provider": "acme"}', "read"),
    "properties_too_large": (b'{"event_type": "seen", "metadata": {"a": "' + b"a" * 2_000 + b'"}}', "weigh"),
    "nested_too_deep": (b'{"event_type": "seen", "metadata": {"a": [[[[[]]]], 1, 2]}}', "weigh"),
    "type_not_allowed": (b'{"event_type": "spam"}', "screen"),
}


def test_every_reason_has_an_example() -> None:
    # what a tenant's definitions refuse: tests/ingest/describing
    of_definitions = {"invalid_schema", "unknown_type"}
    assert REFUSED.keys() == REASONS.keys() - NOT_THEIRS - {NOT_PERMITTED} - of_definitions


@pytest.mark.parametrize("reason", REFUSED)
def test_every_reason_is_given_and_takes_only_its_event_along(reason: str) -> None:
    bad, stage = REFUSED[reason]
    for body, index in ((b"[%s]", 0), (b"[%s, " + GOOD + b"]", 0), (b" [ " + GOOD + b" , %s ,\n" + GOOD + b"]\n", 1)):
        batch = prepared(body.replace(b"%s", bad))
        (refused,) = batch.rejected
        assert (refused.index, refused.reason, refused.original) == (index, reason, bad)
        assert refused.detail
        assert len(batch.events) == body.count(GOOD)
    # beside another bad event it is read one by one, and may be refused a step earlier
    assert refused.stage in (stage, "read")
    assert prepared(b"[" + bad + b"]").rejected[0].stage == stage


def test_a_stage_is_the_name_of_a_step() -> None:
    assert {stage for _, stage in REFUSED.values()} <= {step.__name__ for step in STEPS}


SPOILT = {
    "deep list": DEEP,
    "deep object": b'{"a":' * 5_000 + b"1" + b"}" * 5_000,
    "deep properties": b'{"event_type": "seen", "metadata": {"a": ' + DEEP + b"}}",
    "deep and text with brackets": b'{"event_type": "seen", "metadata": {"]]": "\\"}}]", "a": ' + DEEP + b"}}",
    "NaN": b'{"event_type": "seen", "metadata": {"a": NaN}}',
    "Infinity": b"-Infinity",
    "bytes that are not UTF-8": b'{"event_type": "\xff\xfe"}',
    "UTF-8 of half a pair": b'{"event_type": "\xed\xa0\x80"}',
    "a cut character": b'{"event_type": "\xf0\x9f\x8e"}',
    "half a pair": b'{"event_type": "\\ud83c"}',
    "the other half": b'{"event_type": "\\udf93"}',
    "halves the wrong way round": b'{"event_type": "\\udf93\\ud83c"}',
    "half a pair in a name": b'{"event_type": "seen", "\\uD800": 1}',
    "a NUL": b'{"event_type": "a\\u0000b"}',
    "a NUL in a property": b'{"event_type": "seen", "metadata": {"a": ["\\u0000"]}}',
    "a bare NUL": b'{"event_type": "a\x00b"}',
    "a bare line end": b'{"event_type": "a\nb"}',
    "a NUL in a name": b'{"event_type": "seen", "metadata": {"\\u0000": 1}}',
    "huge number as a time": b'{"event_type": "seen", "timestamp": 1e999}',
    "huge integer as an id": b'{"event_type": "seen", "event_id": ' + b"9" * 5_000 + b"}",
    "null": b"null",
    "number": b"-0.0",
    "empty text": b'""',
}


@pytest.mark.parametrize("name", SPOILT)
def test_one_bad_event_does_not_take_its_batch_along(name: str) -> None:
    batch = prepared(b"[" + GOOD + b"," + SPOILT[name] + b"," + GOOD + b"]", settings=load(data=Path("unused")))
    assert [(one.index, one.original) for one in batch.rejected] == [(1, SPOILT[name])]
    assert batch.positions == [0, 2]
    assert batch.rejected[0].reason in REASONS


@pytest.mark.parametrize(
    "kept_whole",
    [
        b'{"event_type": "seen", "metadata": {"a": "\\ud83c\\udf93"}}',
        b'{"event_type": "seen", "metadata": {"a": "\\\\ud83c"}}',
        b'{"event_type": "seen", "metadata": {"a": "\\\\u0000"}}',
        b'{"event_type": "seen", "metadata": {"a": 1e999, "b": 1E-999, "c": ' + b"1" * 5_000 + b"}}",
        b'{"event_type": "seen", "metadata": {"a": 1, "a": 2}}',
        b'{"event_type": "first", "event_type": "seen"}',
        b'{"event_type": "seen", "metadata": {"a": "\xf0\x9f\x8e\x93"}}',
    ],
)
def test_strange_but_right(kept_whole: bytes) -> None:
    for body in (kept_whole, b"[" + kept_whole + b"]", b"[" + kept_whole + b', {"event_type": 5}]'):
        batch = prepared(body, settings=load(data=Path("unused")))
        assert batch.rejected == []
        assert batch.events[0].type == "seen"
        if b"metadata" in kept_whole:
            assert kept_whole.endswith(batch.properties[0] + b"}")


@pytest.mark.parametrize(
    ("body", "where"),
    [
        (b"", "the body is empty"),
        (b" \r\n\t ", "the body is empty"),
        (b"\xef\xbb\xbf", "the body is empty"),
        (b"{", "line 1, column 2"),
        (b"[", "line 1, column 2"),
        (b"]", "line 1, column 1"),
        (b"nonsense", "line 1, column 1"),
        (b'[{"event_type": "seen"},]', "line 1, column 25"),
        (b"[,]", "line 1, column 2"),
        (b"[1 2]", "line 1, column 4"),
        (b'[{"event_type": "seen"}\n {"event_type": "seen"}]', "line 2, column 2"),
        (b'[{"event_type": "seen"}]]', "more follows after its end, at character 24"),
        (b'{"event_type": "seen"}{"event_type": "seen"}', "more follows"),
        (b'[{"event_type" "seen"}]', "line 1, column 16"),
        (b'["\\x"]', "line 1, column 3"),
        (b"[" * 200_000, "line 1, column"),
        (b'{"a":' * 200_000, "line 1, column"),
        (b'{"event_type": "seen"}'.decode().encode("utf-16"), "line 1, column 1"),
        (b"\xff\xfe\x00", "line 1, column 1"),
        (b"event_type=seen&user_id=ada", "line 1, column 1"),
    ],
)
def test_what_is_not_json_is_refused_whole_with_the_place(body: bytes, where: str) -> None:
    with pytest.raises(NotJson, match="body is") as caught:
        prepared(body)
    assert where in caught.value.detail


@pytest.mark.parametrize("body", [b"[]", b" [ ] ", b"\xef\xbb\xbf[]"])
def test_an_empty_list_is_no_error(body: bytes) -> None:
    batch = prepared(body)
    assert (batch.events, batch.rejected) == ([], [])


def test_a_byte_order_mark_is_passed_over() -> None:
    assert [event.type for event in prepared(b"\xef\xbb\xbf" + GOOD).events] == ["seen"]


@pytest.mark.parametrize("event", [GOOD, b"5", DEEP, b'{"event_type": "\xff"}'])
def test_too_many_events_are_refused_whole(event: bytes) -> None:
    def body(count: int) -> bytes:
        return b"[" + b",".join([event] * count) + b"]"

    assert len(prepared(body(20), most=20).rejected) == (0 if event == GOOD else 20)
    with pytest.raises(TooLarge, match="at most 20 are allowed"):
        prepared(body(21), most=20)


def test_a_list_of_millions_is_stopped_half_way() -> None:
    with pytest.raises(TooLarge, match="at most 10 are allowed"):
        prepared(b"[" + b"0," * 5_000_000 + b"0]", most=10)


@pytest.mark.parametrize("line", [b"nonsense", b'{"event_type": "seen"', b"\xff", b"[1, 2]", DEEP, b"]", b"[[["])
def test_ndjson_with_a_bad_line(line: bytes) -> None:
    batch = prepared(GOOD + b"\r\n\n  \n" + line + b"\n" + GOOD, lines=True)
    assert [(one.index, one.original) for one in batch.rejected] == [(1, line)]
    assert batch.positions == [0, 2]


def test_ndjson_lines_are_never_put_together() -> None:
    halves = prepared(b'{"event_type": "seen"\n"user_id": "ada"}\n', lines=True)
    assert [(one.index, one.reason) for one in halves.rejected] == [(0, "not_json"), (1, "not_json")]
    pair = prepared(b'{"event_type": "a"}, {"event_type": "b"}\n' + GOOD, lines=True)
    assert [(one.index, one.reason) for one in pair.rejected] == [(0, "not_json")]
    assert pair.positions == [1]


def test_ndjson_has_the_same_limit() -> None:
    assert len(prepared((GOOD + b"\n") * 3, most=3, lines=True).events) == 3
    with pytest.raises(TooLarge, match="at most 3 are allowed"):
        prepared((GOOD + b"\n") * 4, most=3, lines=True)


@pytest.mark.parametrize(("depth", "taken"), [(4, True), (5, False)])
@pytest.mark.parametrize("brackets", ["[]", "{}"])
def test_nesting_is_counted_outside_of_texts(depth: int, taken: bool, brackets: str) -> None:
    inside: Any = 1
    for _ in range(depth - 1):
        inside = [inside] if brackets == "[]" else {"a": inside}
    properties = {"a": inside, 'b"{[{[\\"': '{[{[{[\\"', "c": [], "d": {}, "e": "\\"}
    body = json.dumps({"event_type": "seen", "metadata": properties}).encode()
    assert reasons(body) == ([] if taken else ["nested_too_deep"])


@pytest.mark.parametrize(("size", "taken"), [(2_000, True), (2_001, False)])
def test_properties_have_a_size(size: int, taken: bool) -> None:
    properties = b'{"a":"' + b"x" * (size - 8) + b'"}'
    assert len(properties) == size
    assert reasons(b'{"event_type": "seen", "metadata": ' + properties + b"}") == (
        [] if taken else ["properties_too_large"]
    )


@pytest.mark.parametrize("name", ["event_type", "event_id", "user_id", "source_service", "tenant_id"])
def test_ids_have_a_length_in_characters(name: str) -> None:
    def body(length: int) -> bytes:
        return json.dumps({"event_type": "seen"} | {name: "é" * length}).encode()

    assert reasons(body(64)) == []
    assert reasons(body(65)) == ["too_long"]


def test_an_empty_type_is_refused_in_any_company() -> None:
    for blank in ("", " ", "\t\n", "\u2003"):
        bad = json.dumps({"event_type": blank}).encode()
        assert reasons(bad) == ["invalid_type"]
        assert reasons(b"[" + GOOD + b"," + bad + b"]") == ["invalid_type"]


@pytest.mark.parametrize(
    ("moment", "reason"),
    [
        (NOW + timedelta(days=1), None),
        (NOW + timedelta(days=1, milliseconds=1), "timestamp_in_future"),
        (datetime(2000, 1, 1, tzinfo=UTC), None),
        (datetime(2000, 1, 1, tzinfo=UTC) - timedelta(milliseconds=1), "timestamp_too_old"),
    ],
)
def test_times_have_limits(moment: datetime, reason: str | None) -> None:
    for written in (moment.isoformat(), moment.replace(tzinfo=None).isoformat()):
        body = json.dumps([{"event_type": "seen", "timestamp": written}]).encode()
        assert reasons(body) == ([reason] if reason else [])


def test_allowed_types_are_the_only_ones() -> None:
    only = load(data=Path("unused"), allow_types="seen, heard", deny_types="heard")
    body = json.dumps([{"event_type": name} for name in ("seen", "heard", "felt")]).encode()
    refused = prepared(body, settings=only).rejected
    assert [(one.index, one.reason) for one in refused] == [(1, "type_not_allowed"), (2, "type_not_allowed")]


def test_an_event_without_an_id_gets_one_from_the_key_and_its_place() -> None:
    batch = prepared(b'[{"event_type": "a"}, 5, {"event_type": "b", "event_id": "b"}, {"event_type": "c"}]', key="k")
    assert [event.id for event in batch.events] == ["k:0", "b", "k:3"]
    assert len({event.id for event in prepared(b"[" + GOOD + b"," + GOOD + b"]").events}) == 2


def test_a_refused_event_says_whose_it_is() -> None:
    events = [
        {"event_type": "", "tenant_id": "acme"},
        {"event_type": "seen", "tenant_id": "acme", "timestamp": "soon"},
        {"event_type": "", "tenant_id": 7},
        {"event_type": ""},
        {"event_type": "seen", "tenant_id": "a" * 65},
        {"event_type": "seen", "tenant_id": ["acme"]},
    ]
    batch = prepared(json.dumps(events).encode())
    assert [one.tenant for one in sorted(batch.rejected, key=lambda one: one.index)] == [
        "acme", "acme", "7", "default", "default", "default",
    ]  # fmt: skip


# anything: JSON of any form, and events whose fields hold anything
texts = st.text(max_size=8) | st.sampled_from(["", "2026-03-01T00:00:00Z", "ada", "\0", "x" * 70, "1e999", "nan"])
numbers = st.integers() | st.floats() | st.sampled_from([1e300, 10**40, -1, 1772445600, 1772445600000])
scalars = st.none() | st.booleans() | numbers | texts
anything = st.recursive(
    scalars, lambda of: st.lists(of, max_size=4) | st.dictionaries(texts, of, max_size=4), max_leaves=8
)
NAMES = [
    "event_type", "type", "user_id", "timestamp", "ts", "event_id", "tenant_id", "source_service", "src", "metadata",
    "payload", "properties", "event_data", "conversation_id", "channel", "metric_name", "metric_value", "metric_type",
    "tags", "model_provider", "success", "version", "unknown",
]  # fmt: skip
properties = st.dictionaries(
    st.sampled_from(["score", "duration", "course_id", "session_id", "content_id", "other"]), anything, max_size=4
)
events = st.dictionaries(st.sampled_from(NAMES), anything | properties, max_size=5)
near_events = st.builds(
    lambda event, more: {"event_type": "seen", "type": "seen"} | event | more,
    events,
    st.fixed_dictionaries({}, optional={"metadata": properties, "payload": properties}),
)
bodies = st.lists(near_events | anything, max_size=5)
dumps: st.SearchStrategy[Callable[[Any], str]] = st.sampled_from(
    [json.dumps, lambda told: json.dumps(told, ensure_ascii=False), lambda told: json.dumps(told, indent=1)]
)


def check(batch: Batch, sent: int) -> None:
    """Every event is either taken or refused, for a reason that exists; and what is taken fits the table."""
    taken, refused = batch.positions, [one.index for one in batch.rejected]
    assert sorted([*taken, *refused]) == list(range(sent))
    assert len(batch.events) == len(batch.properties) == len(batch.promoted) == len(taken)
    assert {one.reason for one in batch.rejected} <= REASONS.keys()
    rows = rows_of([batch], NOW)
    assert len(rows) == len(taken)
    assert all(text.startswith("{") for text in rows["properties"].to_pylist())
    assert all(math.isfinite(score) for score in rows["score"].drop_null().to_pylist())


@given(bodies, dumps, st.sampled_from(sorted(DIALECTS)))
@hypothesis_settings(max_examples=300, deadline=None)
def test_any_json_is_accounted_for(told: list[Any], dump: Callable[[Any], str], dialect: str) -> None:
    body = dump(told).encode("utf-8", "surrogatepass")
    check(prepared(body, dialect), len(told))
    if told:
        check(
            prepared(dump(told[0]).encode("utf-8", "surrogatepass"), dialect),
            len(told[0]) if isinstance(told[0], list) else 1,
        )
    lines = b"\n".join(json.dumps(one).encode() for one in told)
    check(prepared(lines, dialect, lines=True), len(told))


@given(st.binary(max_size=200), st.sampled_from(sorted(DIALECTS)))
@hypothesis_settings(max_examples=300, deadline=None)
def test_any_bytes_are_taken_or_refused(body: bytes, dialect: str) -> None:
    try:
        batch = prepared(body, dialect)
    except NotJson:
        return
    check(batch, len(batch.events) + len(batch.rejected))


@given(bodies, st.data(), st.sampled_from(sorted(DIALECTS)))
@hypothesis_settings(max_examples=300, deadline=None)
def test_any_damaged_json_is_taken_or_refused(told: list[Any], data: st.DataObject, dialect: str) -> None:
    body = bytearray(json.dumps(told).encode())
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(body)))
        body[place : place + data.draw(st.integers(0, 2))] = data.draw(
            st.binary(max_size=2) | st.sampled_from([b'"', b"[", b"]", b"{", b"}", b",", b"\\", b"\\u0000", b"\\ud800"])
        )
    for lines in (False, True):
        try:
            batch = prepared(bytes(body), dialect, lines=lines)
        except NotJson:
            assert not lines
            continue
        check(batch, len(batch.events) + len(batch.rejected))


@given(st.lists(bodies, min_size=1, max_size=3), st.sampled_from(sorted(DIALECTS)))
@hypothesis_settings(max_examples=25, deadline=None)
def test_any_json_is_committed_or_kept_as_a_dead_letter(
    store: Store, intake: Intake, told: list[list[Any]], dialect: str
) -> None:
    marks = [f"any-{n}-{datetime.now(UTC).timestamp()}" for n in range(len(told))]
    for mark, events_told in zip(marks, told, strict=True):
        body = json.dumps([one | {"tenant_id": mark} if isinstance(one, dict) else one for one in events_told]).encode()
        receipt = intake.take_now(body, dialect, mark)
        assert receipt.ingested + receipt.duplicates + len(receipt.rejected) == len(events_told)
        assert sum(kept.ids(store, mark).values()) == receipt.ingested
        assert [row["position"] for row in kept.letters(store, mark)] == [one.index for one in receipt.rejected]
