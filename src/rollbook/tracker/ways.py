"""Ways: how the tracker's events reach a Rollbook, over HTTP or in the same process."""

from typing import Any, Protocol

import httpx
import msgspec

from rollbook.errors import Forbidden, Invalid, Unauthenticated, Unavailable

PATH = "/api/analytics/events/track"
TIMEOUT_SECONDS = 30

Told = list[dict[str, Any]]


class Receipt(Protocol):
    """What became of a batch."""

    rejected: list[Any]


class Takes(Protocol):
    """A way in."""

    async def take(self, body: bytes, dialect: str, tenant: str | None = None) -> Receipt:
        """Take a body in."""


class Book(Protocol):
    """An open Rollbook."""

    @property
    def intake(self) -> Takes:
        """Its way in."""


class Way(Protocol):
    """A way to a Rollbook."""

    async def send(self, events: Told) -> None:
        """Send, and return when all are on disk. Raises Unavailable (send them again), or what is wrong with them."""

    async def close(self) -> None:
        """Let go of it."""


class InProcess:
    """To an open Rollbook in this process."""

    def __init__(self, book: Book, tenant: str) -> None:
        self._book = book
        self._tenant = tenant

    async def send(self, events: Told) -> None:
        """Send."""
        receipt = await self._book.intake.take(msgspec.json.encode(events), "studyin", self._tenant)
        _check([{"index": one.index, "detail": one.detail} for one in receipt.rejected])

    async def close(self) -> None:
        """Nothing to let go of: the Rollbook is its opener's."""


class OverHttp:
    """To a server, by its address; `client` is used where one is given, and stays its owner's."""

    def __init__(
        self,
        address: str,
        *,
        key: str | None = None,
        tenant: str | None = None,
        client: httpx.AsyncClient | None = None,
    ) -> None:
        """`key`: an access key or a token. `tenant`: with open access, whose the events are."""
        self._address = address.rstrip("/") + PATH
        self._headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {key}"} if key else {})
        self._parameters = {"tenant_id": tenant} if tenant else {}
        self._own = httpx.AsyncClient(timeout=TIMEOUT_SECONDS) if client is None else None
        self._client = client or self._own

    async def send(self, events: Told) -> None:
        """Send."""
        assert self._client is not None
        try:
            answer = await self._client.post(
                self._address, content=msgspec.json.encode(events), headers=self._headers, params=self._parameters
            )
        except httpx.TransportError as error:
            raise Unavailable(f"no answer from {self._address}: {error or type(error).__name__}") from error
        _raise_for(answer)
        _check(answer.json()["rejected"])

    async def close(self) -> None:
        """Close the client, if it is our own."""
        if self._own is not None:
            await self._own.aclose()


def _raise_for(answer: httpx.Response) -> None:
    if answer.is_success:
        return
    try:
        detail = str(answer.json()["detail"])
    except (ValueError, KeyError, TypeError):
        detail = answer.text[:200]
    if answer.status_code == 429 or answer.status_code >= 500:
        wait = answer.headers.get("retry-after", "")
        raise Unavailable(detail, retry_after_seconds=int(wait) if wait.isdecimal() else 1)
    raise {401: Unauthenticated, 403: Forbidden}.get(answer.status_code, Invalid)(detail)


def _check(rejected: list[dict[str, Any]]) -> None:
    if rejected:
        raise Invalid("; ".join(f"event {one['index']}: {one['detail']}" for one in rejected), rejected=rejected)
