"""Open access is for this machine: foreign names, foreign sites and proxies are refused."""

import httpx
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from rollbook.governance.loopback import Loopback, is_loopback


async def _hello(_: Request) -> PlainTextResponse:
    return PlainTextResponse("hello")


APP = Starlette(routes=[Route("/", _hello)], middleware=[Middleware(Loopback)])


async def status(headers: dict[str, str]) -> int:
    """What a GET with these headers is answered."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(APP), base_url="http://127.0.0.1:8011") as client:
        return (await client.get("/", headers=headers)).status_code


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:8011", "localhost:8011", "[::1]:8011", "app.localhost"])
@pytest.mark.anyio
async def test_this_machine_under_its_own_names_is_served(host: str) -> None:
    assert is_loopback(host)
    assert await status({"host": host, "origin": f"http://{host}"}) == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "evil.example:8011"},
        {"host": "127.0.0.1.evil.example"},
        {"host": "192.168.1.7:8011"},
        {"host": ""},
        {"host": "["},
        {"origin": "http://["},
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"x-forwarded-for": "203.0.113.9"},
        {"forwarded": "for=203.0.113.9"},
    ],
)
@pytest.mark.anyio
async def test_others_are_refused(headers: dict[str, str]) -> None:
    assert await status(headers) == 403
