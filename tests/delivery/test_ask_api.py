"""Questions over HTTP: the same for every question of the catalogue."""

import csv
import io
from typing import Any

import pytest

from rollbook.analyses import catalogue
from rollbook.analyses.question import Question
from rollbook.delivery.api.ask import OF_REQUEST
from rollbook.store import Store
from tests.delivery.serving import serve
from tests.stories import happened, tell

GIVEN: dict[str, Any] = {"user": "ada", "cohort_date": "2026-03-02", "type": "content_view"}
GIVEN |= {"experiment": "hints", "goal": "completion", "metric_names": "events", "size": 3600}
GIVEN |= {"content": "a"}
GIVEN |= {"steps": "content_view,completion", "event": "content_view"}


def parameters(kind: type[Question[Any]]) -> dict[str, Any]:
    """Something for every parameter that must be given."""
    return {name: GIVEN[name] for name, field in kind.model_fields.items() if field.is_required()}


@pytest.mark.parametrize("kind", catalogue.QUESTIONS, ids=lambda kind: kind.name())
def test_every_question_answers_as_its_schema_says(store: Store, tenant: str, kind: type[Question[Any]]) -> None:
    tell(store, tenant, [happened("content_view", at="2026-03-02T10:00", content="a")])
    given = parameters(kind) | {"tenant_id": tenant, "as_of": "2026-03-03T00:00:00Z"}
    answer = serve(store).get(f"/api/v2/ask/{kind.name()}", params=given)
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert found["question"] == kind.name()
    assert found["as_of"] == "2026-03-03T00:00:00Z"
    for row in found["rows"]:
        kind.answer().model_validate(row)


@pytest.mark.parametrize("kind", catalogue.QUESTIONS, ids=lambda kind: kind.name())
def test_every_question_is_a_table_and_perhaps_a_chart(store: Store, tenant: str, kind: type[Question[Any]]) -> None:
    tell(store, tenant, [happened("content_view", at="2026-03-02T10:00", content="a")])
    given = parameters(kind) | {"tenant_id": tenant, "as_of": "2026-03-03T00:00:00Z"}
    address = f"/api/v2/ask/{kind.name()}"
    rows = serve(store).get(address, params=given).json()["rows"]
    table = serve(store).get(address, params=given | {"format": "csv"})
    lines = list(csv.reader(io.StringIO(table.text)))
    assert lines[0] == list(kind.answer().model_fields)
    assert len(lines) == 1 + len(rows)
    chart = serve(store).get(address, params=given | {"format": "chart"})
    if kind.chart is None:
        assert chart.status_code == 422
    else:
        assert chart.json()["$schema"].startswith("https://vega.github.io/schema/vega-lite/")


@pytest.mark.parametrize("kind", catalogue.QUESTIONS, ids=lambda kind: kind.name())
def test_every_question_is_described(store: Store, kind: type[Question[Any]]) -> None:
    client = serve(store)
    operation = client.get("/openapi.json").json()["paths"][f"/api/v2/ask/{kind.name()}"]["get"]
    assert {parameter["name"] for parameter in operation["parameters"]} == set(kind.model_fields) | OF_REQUEST
    assert not set(kind.model_fields) & OF_REQUEST
    assert "$ref" not in str(operation["parameters"])
    assert kind.answer().__name__ in operation["responses"]["200"]["content"]["application/json"]["schema"]["$ref"]
    listed = {one["name"]: one for one in client.get("/api/v2/questions").json()}
    assert listed[kind.name()]["question"] == operation["description"].split("\n\nFor: ")[0]
    assert (listed[kind.name()]["chart"] is None) == (kind.chart is None)


def test_lists_may_be_divided_by_commas_or_repeated(store: Store, tenant: str) -> None:
    tell(store, tenant, [happened("content_view", user, at="2026-03-02T10:00") for user in "ab"])
    for users in ("users=a,b,c,d", "users=a&users=b&users=c&users=d"):
        found = serve(store).get(f"/api/v2/ask/retention?tenant_id={tenant}&as_of=2026-03-03&{users}").json()
        assert found["rows"][0]["retention_rate"] == 0.5
        assert found["parameters"] == {"period": 7, "users": ["a", "b", "c", "d"]}


def test_an_unknown_question_is_answered_with_those_there_are(store: Store) -> None:
    answer = serve(store).get("/api/v2/ask/wisdom?days=3")
    assert answer.status_code == 404
    assert "no question 'wisdom'; there are: active_users," in answer.json()["detail"]


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("active_users?days=0", "days: Input should be greater than or equal to 1, not '0'"),
        ("active_users?dayz=3", "Its parameters: as_of, timezone, segment, breakdown, compare, days"),
        ("active_users?days=3&days=4", "not ['3', '4']"),
        ("active_users?timezone=Atlantis", "use a name like Europe/Zurich"),
        ("active_users?as_of=9999-12-31", "as_of"),
        ("cohort_analysis?cohort_date=0001-01-01", "cohort_date"),
        ("active_users?format=xml", "parameter format: "),
    ],
)
def test_a_wrong_parameter_is_refused_with_what_would_be_right(store: Store, query: str, says: str) -> None:
    answer = serve(store).get(f"/api/v2/ask/{query}")
    assert answer.status_code == 422
    assert says in answer.json()["detail"]


def test_a_cell_that_would_run_as_a_formula_does_not(store: Store, tenant: str) -> None:
    tell(store, tenant, [happened("=cmd|' /C calc'!A0", at="2026-03-02T10:00")])
    answer = serve(store).get(
        "/api/v2/ask/event_distribution",
        params={"tenant_id": tenant, "as_of": "2026-03-02T12:00:00Z", "format": "csv"},
    )
    assert list(csv.reader(io.StringIO(answer.text))) == [["type", "events"], ["'=cmd|' /C calc'!A0", "1"]]
