"""Document 5's metrics over HTTP: queries, the list of metrics, saved aggregations."""

from typing import Any

from rollbook.store import Store
from tests.analyses.subjects.metrics import sample
from tests.delivery.serving import serve
from tests.stories import happened, tell

AGGREGATION: dict[str, Any] = {
    "aggregation_id": "by-host",
    "window": {"window_type": "tumbling", "window_size": {"size": 1, "unit": "hours"}},
    "group_by": ["host"],
    "aggregations": {"value": "avg"},
    "filters": {"metric_name": "cpu"},
}


def metric_query(**more: Any) -> dict[str, Any]:
    """A query as document 5 writes it."""
    span = {"start": "2026-03-02T00:00:00", "end": "2026-03-03T00:00:00", "timezone": "Europe/Zurich"}
    return {"metric_names": ["cpu"], "time_range": span, "aggregation": "avg", "granularity": "day"} | more


def test_a_query_is_answered_in_the_fields_of_document_5(store: Store, tenant: str) -> None:
    tell(store, tenant, [sample("cpu", n, "2026-03-02T10:00", tags={"host": "a"}) for n in (1, 2, 6)])
    body = metric_query(group_by=["host"], filters={"host": ["a"]})
    answer = serve(store).post(f"/api/v2/metrics/query?tenant_id={tenant}&as_of=2026-03-04", json=body)
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert set(found) == {"query", "data", "metadata", "execution_time_ms"}
    assert set(found["query"]) == {
        "metric_names", "time_range", "aggregation", "group_by", "filters", "granularity", "fill_missing",
    }  # fmt: skip
    assert found["data"] == [
        {
            "timestamp": "2026-03-02T00:00:00+01:00",
            "value": 3.0,
            "tags": {"host": "a", "metric_name": "cpu"},
            "confidence": None,
        }
    ]


def test_what_is_wrong_with_a_query_is_named(store: Store, tenant: str) -> None:
    client, address = serve(store), f"/api/v2/metrics/query?tenant_id={tenant}"
    backwards = {"start": "2026-03-02T00:00:00", "end": "2026-03-01T00:00:00"}
    for wrong, message in (
        ({"aggregation": "median"}, "aggregation"),
        ({"granularity": "fortnight"}, "granularity"),
        ({"metric_names": []}, "metric_names"),
        ({"time_range": backwards}, "End time must be after start time"),
        ({"time_range": backwards | {"end": "9999-12-31T23:59:59", "timezone": "America/New_York"}}, "time_range"),
        ({"time_range": backwards | {"end": "2026-03-03", "timezone": "Mars/Olympus"}}, "no time zone"),
        ({"filters": {"host": {"not": "a"}}}, "a value is a text, a number"),
        ({"metric_names": ["events"], "group_by": ["host"]}, "events have the tags"),
        ({"granularity": "minute", "time_range": backwards | {"start": "2020-01-01"}}, "more than 20000 minutes"),
    ):
        answer = client.post(address, json=metric_query(**wrong))
        assert answer.status_code == 422, (wrong, answer.text)
        assert message in answer.json()["detail"]


def test_the_list_of_metrics(store: Store, tenant: str) -> None:
    tell(store, tenant, [sample(name, 1, "2026-03-02T10:00", unit="%") for name in ("cpu", "cpu.idle", "ram")])
    address = f"/api/v2/metrics?tenant_id={tenant}&as_of=2026-03-03&starting=cpu"
    found = serve(store).get(address).json()["metrics"]
    assert [(one["metric_name"], one["unit"], one["samples"]) for one in found] == [
        ("cpu", "%", 1),
        ("cpu.idle", "%", 1),
    ]


def test_aggregations_are_saved_changed_and_removed(store: Store, tenant: str) -> None:
    client, more = serve(store), f"?tenant_id={tenant}"
    address = f"/api/v2/aggregations/by-host{more}"
    assert client.get(address).status_code == 404
    assert client.put(address, json=AGGREGATION).status_code == 404
    made = client.post(f"/api/v2/aggregations{more}", json=AGGREGATION)
    assert (made.status_code, made.json()["window"]["window_size"]) == (
        201,
        {"size": 1, "unit": "hours", "slide": None},
    )
    assert client.post(f"/api/v2/aggregations{more}", json=AGGREGATION).status_code == 409
    assert client.get(f"/api/v2/aggregations{more}").json() == {"aggregations": [made.json()]}
    assert client.get("/api/v2/aggregations?tenant_id=another").json() == {"aggregations": []}
    changed = client.put(address, json=AGGREGATION | {"group_by": []}).json()
    assert (changed["group_by"], client.get(address).json()) == ([], changed)
    assert client.put(address, json=AGGREGATION | {"aggregation_id": "x"}).status_code == 422
    assert client.delete(address).status_code == 204
    assert client.delete(address).status_code == 404
    assert client.get(f"/api/v2/aggregations/by-host/state{more}").status_code == 404


def test_an_aggregation_without_an_id_gets_one(store: Store, tenant: str) -> None:
    client = serve(store)
    nameless = {name: value for name, value in AGGREGATION.items() if name != "aggregation_id"}
    made = client.post(f"/api/v2/aggregations?tenant_id={tenant}", json=nameless).json()
    assert client.get(f"/api/v2/aggregations/{made['aggregation_id']}?tenant_id={tenant}").json() == made


def test_the_state_follows_every_event(store: Store, tenant: str) -> None:
    client = serve(store)
    client.post(f"/api/v2/aggregations?tenant_id={tenant}", json=AGGREGATION)
    address = f"/api/v2/aggregations/by-host/state?tenant_id={tenant}&as_of=2026-03-02T11:30"

    def state() -> list[tuple[str, float, int, bool]]:
        found = client.get(address).json()["states"]
        return [(s["state_key"], s["state_value"]["value"], s["event_count"], s["final"]) for s in found]

    assert state() == []
    tell(store, tenant, [sample("cpu", 2, "2026-03-02T10:00", tags={"host": "a"}), happened("quiz")])
    assert state() == [("host=a", 2, 1, True)]
    # a late one
    tell(store, tenant, [sample("cpu", 4, "2026-03-02T10:59", tags={"host": "a"})])
    tell(store, tenant, [sample("cpu", 9, "2026-03-02T11:10", tags={"host": "b"})])
    assert state() == [("host=a", 3, 2, True), ("host=b", 9, 1, False)]


def test_moments_beyond_the_calendar_are_refused(store: Store, tenant: str) -> None:
    for moment in ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "1980-01-01T00:00:00Z"):
        given = {"tenant_id": tenant, "metric_names": "cpu", "as_of": moment}
        answer = serve(store).get("/api/v2/ask/metric_series", params=given)
        assert answer.status_code == 422, answer.text
