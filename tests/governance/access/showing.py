"""Requests that show something, without a server: who they are taken for, and what the gate makes of them."""

import asyncio
import base64

from fastapi.testclient import TestClient
from starlette.types import Scope

from rollbook.app import create_app
from rollbook.governance.audit import Line
from rollbook.governance.caller import Caller
from rollbook.governance.credentials import Credentials
from rollbook.governance.gate import Guards
from rollbook.governance.rates import Addresses, Rates
from rollbook.governance.tenants import tenants_of
from rollbook.settings import Settings, load
from rollbook.store import Store


def scope_of(path: str = "/api/v2/events", *, query: str = "", peer: str = "192.0.2.1", **headers: str) -> Scope:
    """A request as the gate sees it; `x_api_key="…"` is a header."""
    told = [(name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in headers.items()]
    return {
        "type": "http",
        "method": "POST",
        "path": path,
        "query_string": query.encode(),
        "headers": told,
        "client": (peer, 50_000),
    }


def known(credentials: Credentials, scope: Scope) -> Caller | None:
    """Who makes the request. Raises what the credentials raise."""
    return asyncio.run(credentials.caller(scope))


def basic(password: str) -> str:
    """An Authorization header of Basic."""
    return "Basic " + base64.b64encode(f"anybody:{password}".encode()).decode()


def gated(store: Store, settings: Settings | None = None) -> tuple[TestClient, Credentials]:
    """A client of the whole application over a store, where keys and tokens are required."""
    settings = settings or load(auth="required")
    tenants, rates, address = tenants_of(store), Rates(settings), Addresses(settings.trusted_proxies)
    credentials = Credentials(store, tenants, settings=settings, slows=rates, address=address)
    app = create_app(settings.model_copy(update={"auth": "required"}))
    app.state.store, app.state.tenants, app.state.credentials = store, tenants, credentials
    app.state.guards = Guards(store, (credentials,), rates, _unnoted, address)
    return TestClient(app, base_url="http://localhost"), credentials


async def _unnoted(_: Line) -> None:
    """The audit trail is not what these tests are about."""
