"""Document 4's routes: daily active users, events as files, health."""

import csv
import io
from datetime import UTC, datetime, timedelta

import pytest

from rollbook import __version__
from rollbook.store import Store
from tests.delivery.serving import serve
from tests.stories import happened, tell


def test_dau_of_a_day_and_of_today(store: Store, tenant: str) -> None:
    now = datetime.now(UTC)
    tell(
        store,
        tenant,
        [
            happened("page_view", "ada", at="2026-03-02T00:00:00"),
            happened("page_view", "ada", at="2026-03-02T12:00:00"),
            happened("page_view", "bob", at="2026-03-02T23:59:59.999"),
            happened("page_view", "", at="2026-03-02T13:00:00"),
            happened("page_view", "cyd", at="2026-03-03T00:00:00"),
            happened("page_view", "dan", at=now),
        ],
    )
    client = serve(store)
    day = client.get("/api/analytics/reports/dau", params={"tenant_id": tenant, "date": "2026-03-02"})
    assert day.json() == {"dau": 2, "date": "2026-03-02", "period": "24h"}
    today = client.get("/api/analytics/reports/dau", params={"tenant_id": tenant})
    if datetime.now(UTC).date() == now.date():
        assert today.json() == {"dau": 1, "date": f"{now:%Y-%m-%d}", "period": "24h"}


def test_a_day_is_one_of_the_tenants_zone(store: Store, tenant: str) -> None:
    store.records.set_timezone(tenant, "Europe/Zurich")
    # 23:30 in Zurich on the 2nd, and half past midnight there on the 3rd
    tell(
        store,
        tenant,
        [
            happened("page_view", "ada", at="2026-03-02T22:30:00"),
            happened("page_view", "bob", at="2026-03-02T23:30:00"),
        ],
    )
    found = serve(store).get("/api/analytics/reports/dau", params={"tenant_id": tenant, "date": "2026-03-02"})
    assert found.json()["dau"] == 1


def test_events_as_csv_by_default(store: Store, tenant: str) -> None:
    tell(
        store,
        tenant,
        [
            happened("page_view", "bob", at="2026-03-02T10:00:01", id="e-2", score=2.5, properties='{"page":"/a,b"}'),
            happened("page_view", 'a "quoted"\nname', at="2026-03-02T10:00:00.5", id="e-1"),
        ],
    )
    answer = serve(store).get(
        "/api/analytics/reports/events", params={"tenant_id": tenant, "start": "2026-03-01", "end": "2026-03-02"}
    )
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="rollbook-2026-03-01-2026-03-02.csv"'
    assert answer.headers["x-rollbook-range"] == "2026-03-01T00:00:00.000Z/2026-03-02T23:59:59.999Z"
    assert answer.text.startswith("event_id,event_type,user_id,timestamp,")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["event_id"] for row in rows] == ["e-1", "e-2"]
    assert rows[0]["user_id"] == 'a "quoted"\nname'
    assert rows[0]["timestamp"] == "2026-03-02T10:00:00.500Z"
    assert (rows[1]["score"], rows[1]["metadata"]) == ("2.5", '{"page":"/a,b"}')


def test_the_default_range_is_90_days(store: Store, tenant: str) -> None:
    now = datetime.now(UTC)
    told = [happened("page_view", at=now - timedelta(days=days), id=f"{days} days ago") for days in (0, 89, 91)]
    tell(store, tenant, told)
    answer = serve(store).get("/api/analytics/reports/events", params={"tenant_id": tenant, "format": "json"})
    assert [event["event_id"] for event in answer.json()] == ["89 days ago", "0 days ago"]
    begin, until = (datetime.fromisoformat(one) for one in answer.headers["x-rollbook-range"].split("/"))
    assert until - begin == timedelta(days=90) - timedelta(milliseconds=1)


def test_only_some_types_and_users(store: Store, tenant: str) -> None:
    at = "2026-03-02T10:00"
    told = [happened(type, user, at=at) for type in ("page_view", "form_submit", "search_query") for user in "abc"]
    tell(store, tenant, told)
    chosen = {"type": ["page_view", "search_query"], "user_id": ["a", "c"]}
    answer = serve(store).get(
        "/api/analytics/reports/events",
        params={"tenant_id": tenant, "start": "2026-03-01", "end": "2026-03-03", "format": "json"} | chosen,
    )
    found = {(event["event_type"], event["user_id"]) for event in answer.json()}
    assert found == {("page_view", "a"), ("page_view", "c"), ("search_query", "a"), ("search_query", "c")}


def test_a_plus_that_became_a_space_is_understood(store: Store, tenant: str) -> None:
    answer = serve(store).get(
        f"/api/analytics/reports/events?tenant_id={tenant}&start=2026-03-01T10:00:00+02:00&end=2026-03-02"
    )
    assert answer.headers["x-rollbook-range"].startswith("2026-03-01T08:00:00.000Z/")


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("format=pdf", "parameter format: "),
        ("start=then", "start 'then' is no time; write 2024-01-31 or 2024-01-31T10:00:00Z"),
        ("start=2026-03-02&end=2026-03-01", "is before the start"),
    ],
)
def test_what_makes_no_sense_is_refused(store: Store, query: str, says: str) -> None:
    answer = serve(store).get(f"/api/analytics/reports/events?{query}")
    assert answer.status_code == 422
    assert says in answer.json()["detail"]


def test_health(store: Store) -> None:
    for address in ("/health", "/api/analytics/healthz"):
        answer = serve(store).get(address)
        assert answer.status_code == 200
        checks = {"events": "ok", "records": "ok", "ingest": "ok"}
        assert answer.json() == {"status": "ok", "version": __version__, "checks": checks}


def test_health_says_that_events_are_refused(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "trouble", "no space left on device")
    answer = serve(store).get("/health")
    assert answer.status_code == 200
    assert answer.json()["status"] == "degraded"
    assert answer.json()["checks"]["ingest"] == "no space left on device"


def test_no_health_before_the_store_is_open() -> None:
    for address in ("/health", "/api/analytics/healthz"):
        answer = serve(None).get(address)
        assert (answer.status_code, answer.json()["status"]) == (503, "unavailable")
