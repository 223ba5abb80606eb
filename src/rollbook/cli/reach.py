"""Reach: how a command gets to the data. Over HTTP to the server that holds the folder, else through the same
application inside this process; so a command and a client always get the same answer.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Protocol

import httpx
from anyio.from_thread import BlockingPortal, start_blocking_portal

from rollbook.app import create_app
from rollbook.cli.tls import trusting
from rollbook.errors import (
    BadRequest,
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    QueryTimeout,
    RollbookError,
    TooLarge,
    TooMany,
    Unauthenticated,
    Unavailable,
)
from rollbook.governance.credentials import SECRET_HEADER
from rollbook.settings import Settings
from rollbook.store.folder import announced

HEALTH_TIMEOUT_SECONDS = 2
BY_STATUS: dict[int, type[RollbookError]] = {
    kind.status: kind
    for kind in (
        *(BadRequest, NotFound, Conflict, TooLarge, Invalid, Unavailable, QueryTimeout),
        *(Unauthenticated, Forbidden, TooMany),
    )
}


class Sends(Protocol):
    """Sends one request."""

    def __call__(self, method: str, path: str, **more: Any) -> httpx.Response:
        """The response, whatever its status."""


class Reach:
    """Calls the API. Raises the same errors as the code behind it would."""

    def __init__(self, send: Sends) -> None:
        self._send = send

    def get(self, path: str, parameters: Mapping[str, Any] | None = None) -> Any:
        """The JSON answer to a GET; parameters that are None are left out."""
        return self._answer("GET", path, parameters)

    def post(self, path: str, body: Any = None, parameters: Mapping[str, Any] | None = None) -> Any:
        """The JSON answer to a POST of JSON."""
        return self._answer("POST", path, parameters, json=body)

    def delete(self, path: str, parameters: Mapping[str, Any] | None = None) -> Any:
        """The JSON answer to a DELETE."""
        return self._answer("DELETE", path, parameters)

    def put(self, path: str, body: Any, parameters: Mapping[str, Any] | None = None) -> Any:
        """The JSON answer to a PUT of JSON."""
        return self._answer("PUT", path, parameters, json=body)

    def patch(self, path: str, body: Any) -> Any:
        """The JSON answer to a PATCH of JSON."""
        return self._answer("PATCH", path, None, json=body)

    def download(self, path: str, parameters: Mapping[str, Any] | None = None) -> bytes:
        """The file that a GET answers."""
        response = self._send("GET", path, params=dict(parameters or {}))
        if response.is_success:
            return response.content
        raise error_of(response)

    def _answer(self, method: str, path: str, parameters: Mapping[str, Any] | None, **more: Any) -> Any:
        given = {name: value for name, value in (parameters or {}).items() if value is not None}
        response = self._send(method, path, params=given, **more)
        if response.is_success:
            return response.json()
        raise error_of(response)


def error_of(response: httpx.Response) -> RollbookError:
    """The error that an answer tells of."""
    try:
        body = response.json()
        detail, rejected = str(body["detail"]), body.get("rejected", [])
    except (ValueError, KeyError, TypeError):
        detail, rejected = f"{response.request.url} answered {response.status_code} {response.reason_phrase}", []
    error = BY_STATUS.get(response.status_code, RollbookError)(detail)
    error.rejected = rejected
    return error


@contextmanager
def reach(settings: Settings) -> Iterator[Reach]:
    """A way to the data folder. Raises Conflict if a process holds it that does not answer."""
    address = served(settings.data)
    with ExitStack() as stack:
        yield Reach(stack.enter_context(_outside(address, settings) if address else _inside(settings)))


def served(data: Path) -> str | None:
    """The address of the server that holds the folder, if it is alive.

    What a killed server left behind must not lead to another's data that answers at the same address now.
    """
    found = announced(data)
    if found is None or not _holds(data, int(found["pid"])):
        return None
    verify = trusting(found.get("certificate"))
    try:
        answer = httpx.get(f"{found['address']}/health", timeout=HEALTH_TIMEOUT_SECONDS, trust_env=False, verify=verify)
    except httpx.HTTPError as error:
        if "CERTIFICATE_VERIFY_FAILED" in str(error):
            raise Unavailable(f"the certificate of the server at {found['address']} is no good: {error}") from error
        return None
    # 503: it is there, but not ready; the call itself will say why
    return str(found["address"]) if answer.status_code in (200, 503) else None


def _holds(data: Path, pid: int) -> bool:
    try:
        os.kill(pid, 0)
        return (data / "lock").read_text().strip() == str(pid)
    except PermissionError:
        return True
    except OSError:
        return False


@contextmanager
def _outside(address: str, settings: Settings) -> Iterator[Sends]:
    timeout = httpx.Timeout(settings.max_query_ms / 1000 + 30, connect=10)
    found = announced(settings.data) or {}
    verify, shown = trusting(found.get("certificate")), _showing(str(found.get("secret", "")))

    def send(method: str, path: str, **more: Any) -> httpx.Response:
        try:
            return client.request(method, path, **more)
        except httpx.HTTPError as error:
            raise Unavailable(f"the server at {address} does not answer: {error or type(error).__name__}") from error

    with httpx.Client(base_url=address, headers=shown, timeout=timeout, trust_env=False, verify=verify) as client:
        yield send


@contextmanager
def _inside(settings: Settings) -> Iterator[Sends]:
    """The application itself, in a thread of its own; opened and closed as a server would."""
    app = create_app(settings)
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(app.router.lifespan_context(app)):
        shown, transport = _showing(app.state.store.folder.secret), httpx.ASGITransport(app)
        client = httpx.AsyncClient(transport=transport, base_url="http://localhost", headers=shown, timeout=None)

        def send(method: str, path: str, **more: Any) -> httpx.Response:
            return _call(portal, client, method, path, **more)

        yield send


def _showing(secret: str) -> dict[str, str]:
    """What shows that this command may read the data folder, and so may do everything with it."""
    return {SECRET_HEADER.decode(): secret}


def _call(portal: BlockingPortal, client: httpx.AsyncClient, method: str, path: str, **more: Any) -> httpx.Response:
    async def request() -> httpx.Response:
        return await client.request(method, path, **more)

    return portal.call(request)
