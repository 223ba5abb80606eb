"""Credentials: who calls, by the key or token that a request shows.

What was seen a moment ago is known by its SHA-256 alone; all else is looked up in a thread, so that neither the records
nor an issuer's address holds up other requests.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Sequence
from typing import Protocol
from urllib.parse import parse_qs

import anyio
import anyio.to_thread
from starlette.types import Scope

from rollbook.errors import Forbidden, Unauthenticated
from rollbook.governance.caller import LOCAL, Caller
from rollbook.governance.keys import PREFIX, Keys
from rollbook.governance.streams.tickets import PATH as STREAMS
from rollbook.governance.streams.tickets import Tickets
from rollbook.governance.tenants import Tenants
from rollbook.governance.tokens import Tokens
from rollbook.settings import Settings
from rollbook.store import Store

Headers = Sequence[tuple[bytes, bytes]]

SECRET_HEADER = b"x-rollbook-secret"
LONGEST = 16_384
# threads that wait for the records, and for issuers that may not answer; others' waiting must not hold them up
KEY_THREADS, TOKEN_THREADS = 8, 32


class Slows(Protocol):
    """Slows down who guesses."""

    def look(self, address: str) -> None:
        """Somebody there shows a key that was not seen before. Raises TooMany if too many were wrong."""


class Credentials:
    """Who calls. `keys`, `tokens` and `tickets` are what they may show."""

    def __init__(
        self,
        store: Store,
        tenants: Tenants,
        *,
        settings: Settings | None = None,
        slows: Slows | None = None,
        address: Callable[[Scope], str] | None = None,
    ) -> None:
        settings = settings or store.settings
        self.keys = Keys(store)
        self.tokens = Tokens(store, tenants, settings)
        self.tickets = Tickets(settings.redis)
        self._secret = store.folder.secret.encode()
        self._slows = slows
        self._address = address
        self._key_threads = anyio.CapacityLimiter(KEY_THREADS)
        self._token_threads = anyio.CapacityLimiter(TOKEN_THREADS)

    async def caller(self, scope: Scope) -> Caller | None:
        """Who makes a request; None: it shows nothing.

        Raises Unauthenticated for what is no good, Forbidden for a key that may not be used on this web page.
        """
        shown, secret, origin = _shown(scope["headers"])
        if secret is not None and hmac.compare_digest(secret, self._secret):
            return LOCAL
        caller = await (self._by_ticket(scope) if shown is None else self._by(shown, scope))
        if caller is not None and origin is not None and caller.origins is not None and origin not in caller.origins:
            raise Forbidden(f"this key may not be used on pages of {origin}")
        return caller

    def is_good(self, caller: Caller) -> bool:
        """Whether what they showed is not revoked, as far as the records say; blocks. Its end is `caller.until`."""
        kind, _, key = caller.credential.partition(":")
        return kind != "key" or self.keys.is_good(key)

    async def close(self) -> None:
        """Let Redis go."""
        await self.tickets.close()

    async def _by(self, shown: bytes, scope: Scope) -> Caller:
        """Who shows a key or token."""
        if len(shown) > LONGEST:
            raise Unauthenticated(f"the key or token is longer than {LONGEST} characters")
        digest = hashlib.sha256(shown).digest()
        return self.keys.seen(digest) or self.tokens.seen(digest) or await self._look_up(scope, shown, digest)

    async def _look_up(self, scope: Scope, shown: bytes, digest: bytes) -> Caller:
        try:
            text = shown.decode("ascii")
        except UnicodeDecodeError as error:
            raise Unauthenticated("keys and tokens are of plain ASCII") from error
        if not text.startswith(PREFIX):
            return await anyio.to_thread.run_sync(self.tokens.look_up, text, limiter=self._token_threads)
        if self._slows is not None and self._address is not None and not self.keys.met(digest):
            self._slows.look(self._address(scope))
        return await anyio.to_thread.run_sync(self.keys.look_up, text, limiter=self._key_threads)

    async def _by_ticket(self, scope: Scope) -> Caller | None:
        path = scope["path"]
        # a ticket opens a stream; it does not make another ticket
        if (
            not (path == STREAMS or path.startswith(f"{STREAMS}/"))
            or path == f"{STREAMS}/tickets"
            or b"ticket=" not in scope["query_string"]
        ):
            return None
        ticket = parse_qs(scope["query_string"].decode("latin-1")).get("ticket", [""])[-1]
        caller = await self.tickets.use(ticket)
        if caller is None:
            raise Unauthenticated("this ticket was used, is older than its 30 seconds, or was never made")
        return caller


def _shown(headers: Headers) -> tuple[bytes | None, bytes | None, str | None]:
    """The key or token, the secret of this machine, and the origin, where there are."""
    shown = secret = origin = None
    for name, value in headers:
        if name == b"authorization":
            shown = _authorization(value)
        elif name == b"x-api-key":
            shown = shown or value.strip()
        elif name == b"origin":
            origin = value.decode("latin-1").lower()
        elif name == SECRET_HEADER:
            secret = value
    return shown, secret, origin


def _authorization(value: bytes) -> bytes:
    """What an Authorization header shows: the token of Bearer, the password of Basic. Raises Unauthenticated."""
    scheme, _, rest = value.strip().partition(b" ")
    kind, rest = scheme.lower(), rest.strip()
    if kind == b"bearer" and rest:
        return rest
    if kind == b"basic":
        try:
            _, colon, password = base64.b64decode(rest, validate=True).partition(b":")
        except binascii.Error as error:
            raise Unauthenticated("the Authorization header is not Basic's base64 of user:key") from error
        if colon and password:
            return password
    raise Unauthenticated("the Authorization header must be `Bearer KEY-OR-TOKEN`, or Basic with the key as password")
