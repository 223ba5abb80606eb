"""The form of the API: errors are always JSON, and its documentation needs no network."""

import re

import pytest
import structlog

from rollbook.errors import QueryTimeout, TooLarge, Unavailable
from rollbook.store import Store
from tests.delivery.serving import serve


@pytest.mark.parametrize(
    ("error", "status", "retry"),
    [
        (TooLarge("too many", rejected=[{"index": 3, "reason": "too_long"}]), 413, None),
        (Unavailable("full", retry_after_seconds=7), 503, "7"),
        (QueryTimeout("slow"), 504, "1"),
    ],
)
def test_an_error_carries_its_status(store: Store, error: Exception, status: int, retry: str | None) -> None:
    client = serve(store)

    @client.app.get("/fails")  # type: ignore[attr-defined,untyped-decorator]
    def fails() -> None:
        raise error

    answer = client.get("/fails")
    assert answer.status_code == status
    assert answer.json() == error.body()  # type: ignore[attr-defined]
    assert answer.headers.get("retry-after") == retry


def test_what_should_not_happen_is_json_too_and_its_id_is_in_the_log(store: Store) -> None:
    client = serve(store)

    @client.app.get("/fails")  # type: ignore[attr-defined,untyped-decorator]
    def fails() -> None:
        raise ZeroDivisionError("by the way")

    with structlog.testing.capture_logs() as written:
        answer = client.get("/fails")
    assert answer.status_code == 500
    (number,) = re.findall(r"under id (\w{12})$", answer.json()["detail"])
    assert "by the way" not in answer.text
    (line,) = (line for line in written if line["event"] == "request_failed")
    assert line["id"] == number
    assert isinstance(line["exc_info"], ZeroDivisionError)


def test_before_the_store_is_open_a_question_is_asked_again_later() -> None:
    answer = serve(None).get("/retention")
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "1"


def test_other_addresses_and_methods(store: Store) -> None:
    answer = serve(store).get("/nowhere")
    assert (answer.status_code, answer.json()) == (
        404,
        {"detail": "there is nothing at /nowhere; see /docs for what there is"},
    )
    answer = serve(store).post("/retention")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET")
    assert answer.json() == {"detail": "POST is not possible here; use GET"}


def test_a_body_that_is_not_json_says_where(store: Store) -> None:
    json = {"content-type": "application/json"}
    answer = serve(store).post("/export", content=b'{"format": "csv",,}', headers=json)
    assert answer.status_code == 400
    assert answer.json()["detail"].endswith("at character 17")


def test_openapi_shows_every_route_of_documents_1_2_and_4(store: Store) -> None:
    client = serve(store)
    paths = client.get("/openapi.json").json()["paths"]
    assert paths["/events"]["post"]["summary"] == "Take events in (agent)"
    for address in ("/metrics/{user_id}", "/engagement/{user_id}", "/predict-dropout/{user_id}"):
        assert "get" in paths[address]
    for address in ("/retention", "/cohort-analysis", "/dashboard-data", "/health", "/api/v2/questions"):
        assert "get" in paths[address]
    assert "post" in paths["/export"]
    assert set(client.get("/api/analytics/openapi.json").json()["paths"]) == {
        "/api/analytics/events/track",
        "/api/analytics/learning/overview",
        "/api/analytics/learning/heatmap",
        "/api/analytics/gamification/progress",
        "/api/analytics/system/metrics",
        "/api/analytics/ingest",
        "/api/analytics/reports/dau",
        "/api/analytics/reports/events",
        "/api/analytics/healthz",
    }


@pytest.mark.parametrize(
    ("address", "openapi"),
    [("/docs", "/openapi.json"), ("/api/analytics/docs", "/api/analytics/openapi.json")],
)
def test_the_pages_need_nothing_from_elsewhere(store: Store, address: str, openapi: str) -> None:
    client = serve(store)
    page = client.get(address)
    assert f'data-openapi="{openapi}"' in page.text
    assert "script-src 'self';" in page.headers["content-security-policy"]
    links = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert not [link for link in links if "//" in link]
    assert "<script>" not in page.text
    for link in links:
        if link.startswith("/"):
            assert client.get(link).status_code == 200, link
    assert "OpenAPI31" in client.get("/docs/files/swagger-ui-bundle.js").text
