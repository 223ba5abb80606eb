"""Files of any columns on their way in: formats, the mapping, ids, times, bad rows, and a file that comes again."""

import codecs
import gzip
import json
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from rollbook.errors import Invalid
from rollbook.ingest.files import import_file
from rollbook.ingest.files.mapping import Columns
from rollbook.ingest.intake import Intake
from rollbook.ingest.reasons import Refusal
from rollbook.store import Store, dead_letters
from tests.ingest.kept import opened_letters

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture
def intake(store: Store) -> Iterator[Intake]:
    """A way in to the shared store."""
    with closing(Intake(store)) as opened:
        yield opened


def found(store: Store, tenant: str) -> list[dict[str, Any]]:
    """A tenant's events, in the order of their times."""
    return store.engine.query("select * from events where tenant = {t:String} order by timestamp, id", {"t": tenant})


def letters(store: Store, tenant: str) -> list[tuple[int, str]]:
    """Index and reason of a tenant's dead letters."""
    listed = dead_letters.listed(store.engine, tenant)
    return sorted((letter["position"], letter["reason"]) for letter in listed)


def written(path: Path, *lines: str) -> Path:
    """A text file of these lines."""
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


CSV = (
    "verb,student,when,Score,course_id,device",
    "quiz_completion,ada,2026-03-02T12:00:00Z,85,algebra,phone",
    'content_view,"Zoë, B.",2026-03-02 13:00:00,,algebra,',
)
MAPPING = {"event_type": "verb", "user_id": "student", "timestamp": "when"}


def test_columns_become_what_the_mapping_says(store: Store, intake: Intake, tenant: str, tmp_path: Path) -> None:
    summary = import_file(store, intake, written(tmp_path / "a.csv", *CSV), tenant=tenant, mapping=MAPPING)
    assert (summary.rows, summary.events, summary.rejected) == (2, 2, 0)
    quiz, view = found(store, tenant)
    assert (quiz["type"], quiz["user"], quiz["timestamp"], quiz["score"]) == ("quiz_completion", "ada", NOON, 85.0)
    assert (quiz["course"], quiz["dialect"]) == ("algebra", "import:file")
    assert json.loads(quiz["properties"]) == {"device": "phone", "course_id": "algebra", "score": 85.0}
    assert (view["user"], view["timestamp"], view["score"]) == ("Zoë, B.", NOON + timedelta(hours=1), None)
    assert json.loads(view["properties"]) == {"course_id": "algebra"}
    assert store.rollups.differences(tenant) == []


@pytest.mark.parametrize(
    "header",
    [
        "event_type,user_id,timestamp,event_id,tenant_id",
        "type,user,ts,id,tenant",
        "Event Type,userId,TIME,EventID,Tenant",
    ],
)
def test_known_names_need_no_mapping(store: Store, intake: Intake, tenant: str, tmp_path: Path, header: str) -> None:
    path = written(tmp_path / "a.csv", header, "login,ada,2026-03-02T12:00:00Z,e1,somebody-else")
    import_file(store, intake, path, tenant=tenant)
    (event,) = found(store, tenant)
    assert (event["type"], event["user"], event["timestamp"], event["id"]) == ("login", "ada", NOON, "e1")
    assert (event["tenant"], event["properties"]) == (tenant, "{}")


def test_what_is_given_wins_over_known_names_and_a_constant_over_columns(
    store: Store, intake: Intake, tenant: str, tmp_path: Path
) -> None:
    path = written(tmp_path / "a.csv", "id,type,user,ts,seat", "7,phone,ada,2026-03-02T12:00:00Z,4b")
    mapping = {"event_type": "=page_view", "event_id": "", "content_id": "seat", "device": "type"}
    summary = import_file(store, intake, path, tenant=tenant, mapping=mapping)
    (event,) = found(store, tenant)
    assert (event["type"], event["content"]) == ("page_view", "4b")
    assert event["id"] == summary.source.removesuffix(tenant) + "1"
    assert json.loads(event["properties"]) == {"id": "7", "content_id": "4b", "device": "phone"}


@pytest.mark.parametrize("name", ["plain", "gzip", "bom", "utf-16", "semicolons", "tabs", "windows"])
def test_spellings_of_csv_read_the_same(store: Store, intake: Intake, tenant: str, tmp_path: Path, name: str) -> None:
    text = "type,user,ts\nlogin,Zoë,2026-03-02T12:00:00Z\n"
    spelled = {
        "plain": text.encode(),
        "gzip": gzip.compress(text.encode()),
        "bom": codecs.BOM_UTF8 + text.encode(),
        "utf-16": text.encode("utf-16"),
        "semicolons": text.replace(",", ";").encode(),
        "tabs": text.replace(",", "\t").encode(),
        "windows": text.replace("\n", "\r\n").encode(),
    }
    path = tmp_path / "a.csv"
    path.write_bytes(spelled[name])
    assert import_file(store, intake, path, tenant=tenant).events == 1
    (event,) = found(store, tenant)
    assert (event["type"], event["user"], event["timestamp"]) == ("login", "Zoë", NOON)


def test_jsonl_keeps_nested_properties(store: Store, intake: Intake, tenant: str, tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [
        {
            "event_type": "a",
            "user_id": 7,
            "timestamp": NOON.timestamp(),
            "metadata": {"score": 90, "steps": [1, {"x": 2}]},
        },
        {
            "type": "b",
            "actor": {"name": "ada", "home": "x"},
            "ts": "2026-03-02T13:00:00+01:00",
            "payload": {"page": "/"},
        },
    ]
    path = written(tmp_path / "a.jsonl", *map(json.dumps, rows), "")
    import_file(store, intake, path, tenant=tenant)
    first, second = found(store, tenant)
    assert (first["user"], first["score"], json.loads(first["properties"])) == ("7", 90.0, rows[0]["metadata"])
    assert (second["user"], second["timestamp"]) == ("", NOON)
    assert json.loads(second["properties"]) == {"page": "/", "actor": rows[1]["actor"]}


def test_a_path_reaches_into_nested_objects(store: Store, intake: Intake, tenant: str, tmp_path: Path) -> None:
    row = {"type": "b", "actor": {"name": "ada"}, "ts": "2026-03-02T12:00:00Z"}
    path = written(tmp_path / "a.jsonl", json.dumps(row))
    import_file(store, intake, path, tenant=tenant, mapping={"user_id": "actor.name"})
    assert [event["user"] for event in found(store, tenant)] == ["ada"]


def test_parquet_types_are_understood(store: Store, intake: Intake, tenant: str, tmp_path: Path) -> None:
    nanoseconds = pa.array([1_772_452_800_123_456_789] * 2, pa.timestamp("ns", "UTC"))
    table = pa.table(
        {
            "type": ["quiz_completion", "quiz_completion"],
            "user_id": pa.array([12.0, None]),
            "timestamp": nanoseconds,
            "score": pa.array([70.5, float("nan")]),
            "tags": [["a", "b"], []],
        }
    )
    parquet.write_table(table, tmp_path / "a.parquet")
    summary = import_file(store, intake, tmp_path / "a.parquet", tenant=tenant)
    assert (summary.rows, summary.events) == (2, 2)
    named, nobody = sorted(found(store, tenant), key=lambda event: str(event["id"]))
    assert named["timestamp"] == NOON.replace(microsecond=123_000)
    assert (named["user"], named["score"], json.loads(named["properties"])["tags"]) == ("12", 70.5, ["a", "b"])
    assert (nobody["user"], nobody["score"]) == ("", None)


def test_a_file_that_comes_again_counts_once(store: Store, intake: Intake, tenant: str, tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", *CSV)
    import_file(store, intake, path, tenant=tenant, mapping=MAPPING)
    again = import_file(store, intake, written(tmp_path / "b.csv", *CSV), tenant=tenant, mapping=MAPPING)
    assert (again.repeated, again.events, again.rows) == (True, 0, 2)
    assert len(found(store, tenant)) == 2


def test_equal_rows_without_ids_are_events_of_their_own(
    store: Store, intake: Intake, tenant: str, tmp_path: Path
) -> None:
    row = "login,ada,2026-03-02T12:00:00Z"
    path = written(tmp_path / "a.csv", "type,user,ts", row, row, row)
    assert import_file(store, intake, path, tenant=tenant).events == 3


def test_rows_with_their_own_ids_count_once_in_any_file(
    store: Store, intake: Intake, tenant: str, tmp_path: Path
) -> None:
    first = written(tmp_path / "a.csv", "id,type,user,ts", "e1,login,ada,2026-03-02", "e2,login,ada,2026-03-03")
    second = written(tmp_path / "b.csv", "id,type,user,ts", "e2,login,ada,2026-03-03", "e3,login,ada,2026-03-04")
    import_file(store, intake, first, tenant=tenant)
    summary = import_file(store, intake, second, tenant=tenant)
    assert (summary.events, summary.duplicates) == (1, 1)
    assert [event["id"] for event in found(store, tenant)] == ["e1", "e2", "e3"]


def test_stopped_between_chunks_it_goes_on(store: Store, intake: Intake, tenant: str, tmp_path: Path) -> None:
    lines = [f"login,u{n % 50},2026-03-{1 + n % 28:02}T12:00:00Z" for n in range(45_000)]
    path = written(tmp_path / "a.csv", "type,user,ts", *lines)

    def stop(done: int, total: int, label: str) -> None:
        assert total == 45_000
        if done == 20_000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_file(store, intake, path, tenant=tenant, progress=stop)
    assert len(found(store, tenant)) == 20_000
    summary = import_file(store, intake, path, tenant=tenant)
    assert (summary.chunks, summary.chunks_before, summary.events) == (3, 1, 25_000)
    counted = store.engine.query("select uniqExact(id) as n from events where tenant = {t:String}", {"t": tenant})
    assert counted == [{"n": 45_000}]


def test_bad_rows_go_to_the_dead_letters_with_their_index(
    store: Store, intake: Intake, tenant: str, tmp_path: Path
) -> None:
    tomorrow = (datetime.now(UTC) + timedelta(days=3)).isoformat()
    lines = [
        b"type,user,ts,metadata",
        b"login,ada,2026-03-02T12:00:00Z,",
        b",ada,2026-03-02T12:00:00Z,",
        b"login,ada,soon,",
        b"login,ada,,",
        b"login,ada,1999-12-31,",
        b"login,ada," + tomorrow.encode() + b",",
        b"login," + b"x" * 300 + b",2026-03-02,",
        b"login,Zo\xeb,2026-03-02,",
        b"login,ada,2026-03-02,{}{,",
        b"login,ada,2026-03-02,,more,than,the,header",
        b"login,ada,2026-03-02,[1]",
        b"logout,ada,2026-03-02T13:00:00Z,{}",
    ]
    path = tmp_path / "bad.csv"
    path.write_bytes(b"\n".join(lines))
    summary = import_file(store, intake, path, tenant=tenant)
    assert (summary.rows, summary.events, summary.rejected) == (12, 2, 10)
    assert [event["type"] for event in found(store, tenant)] == ["login", "logout"]
    assert letters(store, tenant) == [
        (1, "invalid_type"),
        (2, "invalid_timestamp"),
        (3, "invalid_timestamp"),
        (4, "timestamp_too_old"),
        (5, "timestamp_in_future"),
        (6, "too_long"),
        (7, "not_utf8"),
        (8, "not_an_object"),
        (9, "not_an_object"),
        (10, "invalid_properties"),
    ]
    kept = {letter["position"]: letter for letter in opened_letters(store, tenant)}
    assert dead_letters.original(kept[7]) == lines[8]
    assert kept[9]["detail"] == "bad.csv, row 10: the row has 8 fields, the header 4"
    assert {letter["dialect"] for letter in kept.values()} == {"import:file"}


def test_bad_lines_of_jsonl_stop_no_others(store: Store, intake: Intake, tenant: str, tmp_path: Path) -> None:
    good = '{"type": "login", "user": "ada", "ts": "2026-03-02T12:00:00Z"}'
    path = tmp_path / "a.jsonl"
    path.write_text("\n".join([good, "{not json", "[1]", good.replace("ada", "a\\u0000b"), good]))
    summary = import_file(store, intake, path, tenant=tenant)
    assert (summary.events, summary.rejected) == (2, 3)
    assert letters(store, tenant) == [(1, "not_json"), (2, "not_an_object"), (3, "not_utf8")]


def test_a_refused_row_can_be_mended_and_counts_once(store: Store, intake: Intake, tenant: str, tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", "type,user,ts,room", "login,ada,2199-01-01,4b")
    summary = import_file(store, intake, path, tenant=tenant)
    (letter,) = opened_letters(store, tenant)
    assert letter["reason"] == "timestamp_in_future"
    mended = dead_letters.original(letter).replace(b"2199", b"2019")
    assert [intake.take_now(mended, "native", tenant).ingested for _ in range(2)] == [1, 0]
    (event,) = found(store, tenant)
    assert event["id"] == summary.source.removesuffix(tenant) + "1"
    assert json.loads(event["properties"]) == {"room": "4b"}


@pytest.mark.parametrize(
    ("written_as", "moment"),
    [
        (1_772_452_800, NOON),
        ("1772452800.5", NOON.replace(microsecond=500_000)),
        (1_772_452_800_123, NOON.replace(microsecond=123_000)),
        ("1772452800123456", NOON.replace(microsecond=123_456)),
        (1_772_452_800_123_456_789, NOON.replace(microsecond=123_457)),
        (NOON, NOON),
        (NOON.date(), NOON.replace(hour=0, tzinfo=None)),
    ],
)
def test_times_are_read_in_any_unit(written_as: Any, moment: datetime) -> None:
    event = Columns({}).event({"type": "login", "ts": written_as}, "id")
    assert datetime.fromisoformat(event["timestamp"]) == moment


@pytest.mark.parametrize("written_as", ["", None, float("nan"), 10**40])
def test_no_time_is_refused_rather_than_made_up(written_as: Any) -> None:
    with pytest.raises(Refusal) as refused:
        Columns({}).event({"type": "login", "ts": written_as}, "id")
    assert refused.value.reason == "invalid_timestamp"


@pytest.mark.parametrize(
    ("text", "mapping", "says"),
    [
        ("verb,user,ts\na,b,2026-03-02\n", {}, r"no column is the event_type; name it \(event_type=COLUMN\)"),
        ("type,user,day\na,b,2026-03-02\n", {}, "no column is the timestamp"),
        ("type,user,ts\na,b,2026-03-02\n", {"user_id": "learner"}, "there is no column 'learner' for user_id"),
        ("type,type,ts\na,b,2026-03-02\n", {}, "more than one column type"),
        ("type,user,ts\n", {}, "has no rows"),
        ("", {}, "is empty"),
        ("[{}]", {}, "is a JSON list; write one object on each line"),
        ("\0\1\2", {}, "neither CSV, JSONL nor Parquet"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(
    store: Store, intake: Intake, tenant: str, tmp_path: Path, text: str, mapping: dict[str, str], says: str
) -> None:
    path = tmp_path / "a.csv"
    path.write_text(text)
    with pytest.raises(Invalid, match=says):
        import_file(store, intake, path, tenant=tenant, mapping=mapping)


def test_a_cut_gzip_is_said_and_a_missing_file_too(store: Store, intake: Intake, tenant: str, tmp_path: Path) -> None:
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(b"type,user,ts\n" + b"login,ada,2026-03-02\n" * 1000)[:-20])
    with pytest.raises(Invalid, match="cannot be read"):
        import_file(store, intake, path, tenant=tenant)
    with pytest.raises(Invalid, match="is not a file"):
        import_file(store, intake, tmp_path / "nothing.csv", tenant=tenant)
