"""Segments, breakdowns and comparisons over HTTP."""

import csv
import io
from typing import Any

import pytest

from rollbook.store import Store
from tests.delivery.serving import serve
from tests.stories import happened, tell

KEEN = {"title": "Keen", "condition": {"did": {"type": "quiz_completion", "at_least": 2}}}


@pytest.fixture
def told(store: Store, tenant: str) -> dict[str, Any]:
    """A tenant, as a parameter, in which ada takes two quizzes and bo one."""
    quizzes = (("ada", "02T10", "maths"), ("ada", "03T10", "art"), ("bo", "02T11", "maths"))
    tell(
        store, tenant, [happened("quiz_completion", u, f"2026-03-{at}:00", course=course) for u, at, course in quizzes]
    )
    return {"tenant_id": tenant, "as_of": "2026-03-04T00:00:00Z"}


def test_kept_asked_about_and_deleted(store: Store, told: dict[str, Any]) -> None:
    client, of = serve(store), {"tenant_id": told["tenant_id"]}
    made = client.put("/api/v2/segments/keen", params=of, json=KEEN)
    assert made.status_code == 200, made.text
    assert (made.json()["id"], made.json()["condition"]) == ("keen", KEEN["condition"])
    found = client.get("/api/v2/segments/keen", params=told).json()
    assert (found["people"], found["segment"]["title"]) == (1, "Keen")
    answer = client.get("/api/v2/ask/totals", params=told | {"segment": "keen"}).json()
    assert (answer["rows"][0]["events"], answer["parameters"]["segment"]) == (2, "keen")
    assert [one["id"] for one in client.get("/api/v2/segments", params=of).json()["segments"]] == ["keen"]
    assert client.get("/api/v2/segments", params={"tenant_id": "else"}).json()["segments"] == []
    assert client.delete("/api/v2/segments/keen", params=of).status_code == 200
    gone = client.get("/api/v2/ask/totals", params=told | {"segment": "keen"})
    assert (gone.status_code, gone.json()["detail"]) == (404, "no segment 'keen'; there are: none yet")


def test_what_is_wrong_is_said(store: Store, told: dict[str, Any]) -> None:
    client, of = serve(store), {"tenant_id": told["tenant_id"]}
    wrong = client.put("/api/v2/segments/keen", params=of, json={"condition": {"did": {}, "in_course": "a"}})
    assert (wrong.status_code, "exactly one of did" in wrong.text) == (422, True)
    assert client.put("/api/v2/segments/Keen!", params=of, json=KEEN).status_code == 422
    assert client.get("/api/v2/segments/nobody", params=of).status_code == 404
    chart = client.get("/api/v2/ask/events_by_day", params=told | {"compare": "previous", "format": "chart"})
    assert (chart.status_code, "one answer" in chart.text) == (422, True)


def test_sides_as_json_and_as_a_table(store: Store, told: dict[str, Any]) -> None:
    client = serve(store)
    asked = told | {"days": 1, "breakdown": "course", "compare": "previous"}
    found = client.get("/api/v2/ask/totals", params=asked).json()
    assert [row["events"] for row in found["before"]["rows"]] == [2]
    # courses are those of the period: art alone
    assert [(part["value"], part["rows"][0]["people"]) for part in found["parts"]] == [("art", 1)]
    table = client.get("/api/v2/ask/totals", params=asked | {"format": "csv"}).text
    rows = list(csv.DictReader(io.StringIO(table)))
    assert [(row["part"], row["side"], row["events"]) for row in rows] == [
        ("", "now", "1"),
        ("", "before", "2"),
        ("art", "now", "1"),
        ("art", "before", "0"),
    ]
