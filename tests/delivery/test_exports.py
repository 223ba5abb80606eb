"""Exports: every event once and in order however it is cut, and nothing left out in silence."""

import csv
import io
import json
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rollbook.analyses.ask import ask
from rollbook.analyses.learner.learner_metrics import LearnerMetrics
from rollbook.delivery import exports
from rollbook.delivery.exports import Wanted, export
from rollbook.delivery.metric_tables import METRICS
from rollbook.errors import Invalid, Unavailable
from rollbook.store import Scope, Store
from rollbook.store.extract import Extract
from tests.delivery.serving import serve
from tests.stories import happened, tell

MARCH = datetime(2026, 3, 1, tzinfo=UTC)
RANGE = {"start_date": "2026-03-01", "end_date": "2026-03-31"}
NASTY = ["=1+1", "+1", "-1", "@sum", "\tx", "\rx", "<r>x</r>", "a\x07b", "e\ufffe", "ü🎓", 'a"b,c\nd', " x "]


def month(tenant: str) -> Scope:
    """March 2026."""
    return Scope(tenant, MARCH + timedelta(days=31), MARCH)


def post(store: Store, tenant: str, **wanted: Any) -> Any:
    """The answer to an export of March."""
    return serve(store).post("/export", params={"tenant_id": tenant}, json=RANGE | wanted)


def sheets(content: bytes) -> dict[str, list[tuple[Any, ...]]]:
    """A workbook's sheets, row by row."""
    book = openpyxl.load_workbook(io.BytesIO(content))
    return {sheet.title: list(sheet.iter_rows(values_only=True)) for sheet in book}


@pytest.mark.parametrize("page", [1, 2, 3, 7, 50, 1000])
def test_every_event_once_and_in_order_however_it_is_cut(store: Store, tenant: str, page: int) -> None:
    # several in one hour, several at one moment, and gaps of days
    minutes = [0, 0, 0, 0, 1, 2, 59, 60, 61, 200, 200, 5000, 5000, 40000]
    told = [happened("view", at=MARCH + timedelta(minutes=n), id=f"{i:02}") for i, n in enumerate(minutes)]
    tell(store, tenant, reversed(told))
    extract = Extract(store.engine, month(tenant), page=page)
    blocks = list(extract.blocks())
    found = [event for block in blocks for event in block.column("event_id").to_pylist()]
    assert found == [f"{i:02}" for i in range(len(minutes))]
    assert extract.events == len(minutes)
    assert max(block.num_rows for block in blocks) <= page


def test_an_export_holds_what_it_is_asked_for_and_no_more(store: Store, tenant: str) -> None:
    other = f"{tenant}-other"
    edges = [MARCH, MARCH + timedelta(days=31), MARCH - timedelta(milliseconds=1)]
    tell(store, tenant, [happened("view", at=at, id=f"{n}") for n, at in enumerate(edges)])
    tell(store, other, [happened("view", at=MARCH, id="theirs")])
    events = json.loads(b"".join(export(store, Wanted(month(tenant)), "json").pieces))
    assert [event["event_id"] for event in events] == ["0", "1"]


@settings(max_examples=20, deadline=None)
@given(texts=st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1)))
def test_any_text_survives_csv_and_json(store: Store, texts: list[str]) -> None:
    tenant = f"texts-{hash(tuple(texts))}"
    told = [happened("view", text, at=MARCH, id=f"{tenant}{n:03}") for n, text in enumerate(texts)]
    if not store.engine.query(*_count(tenant)):
        tell(store, tenant, told)
    rows = csv.DictReader(
        io.StringIO(b"".join(export(store, Wanted(month(tenant)), "csv").pieces).decode(), newline="")
    )
    safe = [f"'{text}" if text[0] in "=+-@\t\r" else text for text in texts]
    assert [row["user_id"] for row in rows] == safe
    events = json.loads(b"".join(export(store, Wanted(month(tenant)), "json").pieces))
    assert [event["user_id"] for event in events] == texts


def _count(tenant: str) -> tuple[str, dict[str, Any]]:
    return "select id from events where tenant = {t:String}", {"t": tenant}


def test_excel_holds_texts_as_texts_and_times_as_times(store: Store, tenant: str) -> None:
    told = [happened("view", text, at=MARCH + timedelta(seconds=n), score=n / 2) for n, text in enumerate(NASTY)]
    tell(store, tenant, told)
    answer = post(store, tenant, format="excel")
    assert answer.headers["content-disposition"].endswith('.xlsx"')
    assert int(answer.headers["content-length"]) == len(answer.content)
    found = sheets(answer.content)
    assert list(found) == ["Events"]
    head, *rows = found["Events"]
    users = [dict(zip(head, row, strict=True))["user_id"] for row in rows]
    assert users[:5] == NASTY[:5]
    assert users[6] == " <r>x</r>"
    assert users[9:] == NASTY[9:]
    first = dict(zip(head, rows[0], strict=True))
    assert (first["timestamp"], first["score"]) == (MARCH.replace(tzinfo=None), 0)
    assert "x-rollbook-truncated" not in answer.headers


def test_excel_says_what_it_could_not_hold(store: Store, tenant: str) -> None:
    told = [happened("view", at=MARCH + timedelta(seconds=n), id=f"{n}") for n in range(10)]
    long = json.dumps({"text": "x" * 40_000})
    tell(store, tenant, [*told, happened("view", at=MARCH, id="long", properties=long)])
    made = export(store, Wanted(month(tenant)), "xlsx", most_rows=6)
    cut = [
        "events: the first 5 of 11 rows; Excel holds no more, CSV and JSON do",
        "events: 1 texts shortened to 32767 characters; CSV and JSON have them whole",
    ]
    assert made.headers["X-Rollbook-Truncated"] == "; ".join(cut)
    found = sheets(b"".join(made.pieces))
    assert len(found["Events"]) == 6
    assert [row[0] for row in found["Note"]] == ["Not everything is in this workbook", *cut]


def test_a_sheet_that_is_just_full_is_not_cut(store: Store, tenant: str) -> None:
    tell(store, tenant, [happened("view", at=MARCH + timedelta(seconds=n)) for n in range(5)])
    made = export(store, Wanted(month(tenant)), "xlsx", most_rows=6)
    assert "X-Rollbook-Truncated" not in made.headers
    assert list(sheets(b"".join(made.pieces))) == ["Events"]


def story_of_two(store: Store, tenant: str) -> None:
    """Ada: a session and a quiz of 80 in March; Bob: one view long ago."""
    tell(
        store,
        tenant,
        [
            happened("session_start", "ada", at="2026-03-30T10:00", duration=600),
            happened("quiz_completion", "ada", at="2026-03-30T11:00", concept="sums", score=80),
            happened("content_view", "bob", at="2026-01-01T10:00", content="a"),
            happened("heartbeat", "", at="2026-03-30T10:00"),
        ],
    )


def test_a_workbook_has_a_sheet_for_each_metric(store: Store, tenant: str) -> None:
    story_of_two(store, tenant)
    answer = post(store, tenant, format="excel", metrics=["engagement", "retention", "dropout_risk"])
    found = sheets(answer.content)
    assert list(found) == ["Events", "Engagement", "Retention", "Dropout risk"]
    # 31 days: 0.3 x 1/62 + 0.2 x 0.8 + 0.2 x 600/55800
    score = pytest.approx(0.3 / 62 + 0.16 + 0.2 * 600 / 55_800)
    assert found["Engagement"][1:] == [("ada", score, 1, 600, 0, 0.8), ("bob", 0, 0, 0, 0, 0)]
    assert found["Retention"] == [
        ("period_days", "retention_rate", "cohort_size", "active_users"),
        (1, 0, 2, 0),
        *((days, 0.5, 2, 1) for days in (7, 14, 30, 31)),
        (90, 1, 2, 2),
    ]
    # Bob has been away for over 30 days (0.4) and completed nothing of what he began (0.3)
    assert found["Dropout risk"][1:] == [("ada", 0, "low"), ("bob", 0.7, "high")]


def test_metrics_as_json_and_csv(store: Store, tenant: str) -> None:
    story_of_two(store, tenant)
    names = [*METRICS, "events"]
    found = post(store, tenant, format="json", metrics=names).json()
    assert list(found) == names
    assert found["learning_velocity"] == [
        {"user_id": "ada", "learning_velocity": pytest.approx(1 / 7)},
        {"user_id": "bob", "learning_velocity": 0},
    ]
    assert len(found["active_users"]) == 31
    assert found["active_users"][-2] == {"day": "2026-03-30", "dau": 1, "wau": 1, "mau": 1, "stickiness": 1.0}
    assert {row["type"]: row["events"] for row in found["event_distribution"]} == {
        "session_start": 1, "quiz_completion": 1, "heartbeat": 1,
    }  # fmt: skip
    assert len(found["events"]) == 3
    one = post(store, tenant, format="csv", metrics=["dropout_risk"])
    assert one.text == 'user_id,dropout_risk,risk_level\n"ada",0,"low"\n"bob",0.7,"high"\n'
    several = post(store, tenant, format="csv", metrics=["engagement", "retention"])
    assert several.text.startswith("event_id,")
    assert several.headers["x-rollbook-left-out"] == "engagement, retention"


def test_the_table_of_learners_agrees_with_the_question_about_one(store: Store, tenant: str) -> None:
    at = [MARCH + timedelta(days=n, hours=n) for n in range(30)]
    users = ["ada", "bob", "cyd"]
    types = ["session_start", "content_view", "content_completion", "quiz_completion"]
    told = [
        happened(types[n % 4], users[n % 3], at=at[n], content=f"c{n % 5}", score=n * 3.0, duration=float(n))
        for n in range(30)
    ]
    tell(store, tenant, told)
    found = post(store, tenant, format="json", metrics=["engagement", "dropout_risk", "learning_velocity"]).json()
    for n, user in enumerate(users):
        question = LearnerMetrics(user=user, window=31, as_of=datetime(2026, 3, 31, 23, 59, 59, 999000, tzinfo=UTC))
        one = ask(store, question, tenant).rows[0]
        assert found["engagement"][n] == {"user_id": user} | one.engagement.model_dump()
        assert found["dropout_risk"][n]["dropout_risk"] == one.dropout_risk
        assert found["learning_velocity"][n]["learning_velocity"] == one.learning_velocity


def test_an_empty_export_has_its_header(store: Store, tenant: str) -> None:
    assert post(store, tenant, format="json").json() == []
    assert post(store, tenant, format="csv").text.count("\n") == 1
    assert len(sheets(post(store, tenant, format="excel").content)["Events"]) == 1


@pytest.mark.parametrize(
    ("wanted", "says"),
    [
        ({"format": "pdf"}, "body field format: "),
        ({"format": "csv", "metrics": ["wealth"]}, "no metric 'wealth' to export; there are: events, engagement,"),
        ({"format": "csv", "end_date": "2026-02-01"}, "is before the start"),
        ({"format": "csv", "start": "2026-02-01"}, "body field start: Extra inputs are not permitted"),
    ],
)
def test_what_makes_no_sense_is_refused(store: Store, tenant: str, wanted: dict[str, Any], says: str) -> None:
    answer = post(store, tenant, **wanted)
    assert answer.status_code == 422
    assert says in answer.json()["detail"]


def test_one_workbook_at_a_time(store: Store, tenant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports, "WORKBOOK_WAIT_SECONDS", 0.01)
    busy = threading.Lock()
    busy.acquire()
    monkeypatch.setattr(exports, "_one_workbook", busy)
    with pytest.raises(Unavailable):
        export(store, Wanted(month(tenant)), "xlsx")
    assert export(store, Wanted(month(tenant)), "csv").filename.endswith(".csv")


def test_a_scope_that_ends_before_it_begins_is_refused(tenant: str) -> None:
    with pytest.raises(Invalid):
        Wanted(Scope(tenant, MARCH, MARCH + timedelta(days=1)))
