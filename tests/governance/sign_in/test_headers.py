"""Headers: every answer carries them, whoever makes it and however it ends."""

import httpx
import pytest
from fastapi import FastAPI
from starlette.responses import Response

from rollbook.governance.headers import HEADERS, install
from rollbook.store import Store
from tests.delivery.serving import serve

STRICT = "strict-transport-security"


def app() -> FastAPI:
    """Pages of every kind."""
    made = FastAPI(docs_url=None, redoc_url=None)
    install(made)

    @made.get("/plain")
    def plain() -> dict[str, str]:
        return {"a": "b"}

    @made.get("/own")
    def own() -> Response:
        return Response("x", headers={"Content-Security-Policy": "default-src 'self'", "Cache-Control": "max-age=60"})

    @made.get("/file")
    def file() -> Response:
        return Response("x", headers={"ETag": '"1"'})

    @made.get("/fails")
    def fails() -> None:
        raise ZeroDivisionError

    return made


async def get(path: str, address: str = "http://rollbook.example") -> httpx.Response:
    """The answer to a GET."""
    transport = httpx.ASGITransport(app(), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=address) as client:
        return await client.get(path)


@pytest.mark.parametrize(("path", "status"), [("/plain", 200), ("/nowhere", 404), ("/fails", 500)])
@pytest.mark.anyio
async def test_every_answer_has_them(path: str, status: int) -> None:
    answer = await get(path)
    assert answer.status_code == status
    assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS
    assert STRICT not in answer.headers


@pytest.mark.anyio
async def test_an_answer_keeps_its_own() -> None:
    answer = await get("/own")
    assert answer.headers.get_list("content-security-policy") == ["default-src 'self'"]
    assert answer.headers.get_list("cache-control") == ["max-age=60"]
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.anyio
async def test_a_file_may_be_kept_and_asked_for_again() -> None:
    assert (await get("/file")).headers.get_list("cache-control") == ["no-cache"]


@pytest.mark.parametrize(
    ("address", "is_strict"),
    [("https://rollbook.example", True), ("http://rollbook.example", False), ("https://localhost:8011", False)],
)
@pytest.mark.anyio
async def test_https_is_kept_to_but_not_for_every_program_of_this_machine(address: str, is_strict: bool) -> None:
    assert (STRICT in (await get("/plain", address)).headers) == is_strict


def test_the_application_has_them(store: Store) -> None:
    client = serve(store)
    answers = [client.get("/health"), client.post("/api/v2/events", json=[]), client.get("/nowhere"), client.get("/")]
    refused = client.get("/health", headers={"host": "evil.example"})
    assert refused.status_code == 403
    for answer in (*answers, refused):
        assert HEADERS.keys() <= answer.headers.keys()
        assert answer.headers["cache-control"] == "no-store"
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert "unsafe" not in answer.headers["content-security-policy"]


@pytest.mark.parametrize("address", ["/docs", "/api/analytics/docs"])
def test_the_documentation_has_a_policy_of_its_own_that_is_as_strict(store: Store, address: str) -> None:
    policy = serve(store).get(address).headers["content-security-policy"]
    assert "script-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
