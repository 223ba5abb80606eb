"""Deciding: the whole application over the shared store, called by people of several roles."""

from dataclasses import dataclass
from typing import Any

import httpx
from fastapi.testclient import TestClient

from rollbook.app import create_app
from rollbook.governance.audit import Line, Trail
from rollbook.governance.caller import Caller, Role
from rollbook.governance.gate import Guards
from rollbook.governance.rates import Addresses, Rates
from rollbook.governance.tenants import tenants_of
from rollbook.ingest.intake import Intake
from rollbook.settings import load
from rollbook.store import Store


class Named:
    """Takes a request for whom its `X-As` header names: `role` or `role:user`."""

    def __init__(self, tenant: str) -> None:
        self._tenant = tenant

    async def caller(self, scope: Any) -> Caller | None:
        """Who that is."""
        shown = dict(scope["headers"]).get(b"x-as", b"").decode()
        role, _, user = shown.partition(":")
        chosen: Any = role
        return Caller(self._tenant, frozenset[Role]({chosen}), f"test:{shown}", user) if role else None


@dataclass
class School:
    """A tenant, its way in, its trail and its API."""

    store: Store
    intake: Intake
    trail: Trail
    tenant: str
    client: TestClient

    def send(self, *events: dict[str, Any]) -> dict[str, Any]:
        """Send events as a server; what became of them."""
        answer = self.client.post("/api/v2/events", json=list(events), headers={"X-As": "service"})
        assert answer.status_code == 200, answer.text
        received: dict[str, Any] = answer.json()
        return received

    def events(self) -> int:
        """How many events a question finds."""
        answer = self.client.get("/api/v2/ask/totals", headers={"X-As": "admin"})
        assert answer.status_code == 200, answer.text
        found: int = answer.json()["rows"][0]["events"]
        return found

    def put(self, who: str, user: str, purpose: str, given: bool, **more: Any) -> httpx.Response:
        """Decide, as somebody."""
        body = {"purpose": purpose, "given": given} | more
        answer: httpx.Response = self.client.put(f"/api/v2/consents/{user}", json=body, headers={"X-As": who})
        return answer

    def get(self, who: str, path: str) -> httpx.Response:
        """Look at something, as somebody."""
        answer: httpx.Response = self.client.get(f"/api/v2/{path}", headers={"X-As": who})
        return answer


def school(store: Store, intake: Intake, trail: Trail, tenant: str) -> School:
    """The application over an opened store, for one tenant."""
    settings = load(auth="required")
    app = create_app(settings)
    app.state.store, app.state.intake, app.state.trail, app.state.tenants = store, intake, trail, tenants_of(store)
    address = Addresses(settings.trusted_proxies)
    app.state.guards = Guards(store, (Named(tenant),), Rates(settings), _unnoted, address)
    return School(store, intake, trail, tenant, TestClient(app, base_url="http://localhost"))


async def _unnoted(_: Line) -> None:
    """What the gate writes down is tested with the gate."""
