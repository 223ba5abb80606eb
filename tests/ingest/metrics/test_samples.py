"""Samples of metrics: document 5's `Metric` objects become events, and count at once."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

from rollbook.store import Store
from tests.ingest import kept
from tests.ingest.posting import post

METRICS = "/api/v2/metrics"
NOW = datetime.now(UTC) - timedelta(minutes=5)
SAMPLE: dict[str, Any] = {
    "name": "requests",
    "value": 5,
    "type": "counter",
    "tags": {"host": "a"},
    "unit": "1",
    "timestamp": NOW.isoformat(),
}


def grown(client: TestClient, tenant: str) -> float:
    """By how much the counter has grown."""
    span = {"start": (NOW - timedelta(hours=1)).isoformat(), "end": (NOW + timedelta(hours=1)).isoformat()}
    query = {"metric_names": ["requests"], "time_range": span, "aggregation": "sum", "granularity": "quarter"}
    answer = client.post(f"{METRICS}/query", params={"tenant_id": tenant}, json=query)
    assert answer.status_code == 200, answer.text
    return float(sum(point["value"] for point in answer.json()["data"]))


def later(seconds: float, value: Any, **more: Any) -> dict[str, Any]:
    """A later sample."""
    return SAMPLE | {"value": value, "timestamp": (NOW + timedelta(seconds=seconds)).isoformat()} | more


def test_a_sample_is_an_event(client: TestClient, store: Store, tenant: str) -> None:
    more = {"metric_id": "m-1", "aggregation_window": "1m", "source_service": "gateway", "event_type": "forged"}
    assert post(client, METRICS, tenant, SAMPLE | more).json()["ingested"] == 1
    row = kept.event(store, tenant)
    assert (row["id"], row["type"], row["user"], row["source"]) == ("m-1", "system.metric", "", "gateway")
    assert row["properties"] == {
        "metric_name": "requests", "metric_value": 5, "metric_type": "counter", "tags": {"host": "a"}, "unit": "1",
        "aggregation_window": "1m",
    }  # fmt: skip


def test_samples_count_once_and_at_once(client: TestClient, tenant: str) -> None:
    assert post(client, METRICS, tenant, [SAMPLE, later(1, 8.5, metric_id="m-2")]).json()["ingested"] == 2
    assert grown(client, tenant) == 3.5
    again = post(client, METRICS, tenant, [later(1, 8.5, metric_id="m-2"), later(2, 10)]).json()
    assert (again["ingested"], again["duplicates"]) == (1, 1)
    assert grown(client, tenant) == 5


def test_good_samples_of_a_bad_batch_are_kept(client: TestClient, store: Store, tenant: str) -> None:
    bad = [{"name": "x"}, {"value": 1}, 7, SAMPLE | {"value": "much"}, SAMPLE | {"type": "odd"}, SAMPLE | {"name": ""}]
    answer = post(client, METRICS, tenant, [*bad, SAMPLE])
    assert answer.status_code == 200
    assert [(one["index"], one["reason"]) for one in answer.json()["rejected"]] == [
        (0, "invalid_type"),
        (1, "invalid_type"),
        (2, "not_an_object"),
        (3, "invalid_value"),
        (4, "invalid_value"),
        (5, "invalid_type"),
    ]
    assert len(kept.letters(store, tenant)) == 6
    assert len(kept.events(store, tenant)) == 1


def test_samples_in_lines(client: TestClient, store: Store, tenant: str) -> None:
    lines = b"\n".join(json.dumps(one).encode() for one in (SAMPLE, later(1, 6)))
    answer = post(client, METRICS, tenant, lines + b"\n", content_type="application/x-ndjson")
    assert answer.json()["ingested"] == 2, answer.text
    assert grown(client, tenant) == 1


@pytest.mark.parametrize(("body", "status"), [(b"{", 400), (b"", 400), (b"[1", 400), (b'"x"', 422), (b"[]", 200)])
def test_what_is_no_sample_is_refused(client: TestClient, tenant: str, body: bytes, status: int) -> None:
    assert post(client, METRICS, tenant, body).status_code == status


def test_samples_of_other_shapes_are_samples_too(client: TestClient, tenant: str) -> None:
    # document 5's events, and any event whose properties say it
    told = {"metric_name": "requests", "metric_type": "counter", "tags": {"host": "a"}}
    post(client, METRICS, tenant, SAMPLE)
    event = {"event_type": "anything", "timestamp": (NOW + timedelta(seconds=1)).isoformat(), "metric_value": 6}
    assert post(client, "/api/v2/events", tenant, event | told).json()["ingested"] == 1
    paid = {"type": "measured", "ts": (NOW + timedelta(seconds=2)).isoformat(), "payload": told | {"metric_value": 9}}
    assert post(client, "/api/analytics/ingest", tenant, paid).json()["ingested"] == 1
    assert grown(client, tenant) == 4
