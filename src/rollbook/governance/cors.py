"""CORS: which web pages may call with a key: those whose origins the key lists. Source: Fetch standard, 3.2.

A preflight shows no key, so it is answered when any key allows the origin; the call itself is then held to its own key.
"""

import anyio.to_thread
from starlette.types import ASGIApp, Message, Receive, Scope, Send

METHODS = b"GET, HEAD, POST, PUT, PATCH, DELETE"
HEADERS = b"authorization, content-type, content-encoding, idempotency-key, x-api-key, x-purpose"
EXPOSED = b"retry-after, ratelimit-limit, ratelimit-remaining, ratelimit-reset, x-rollbook-range, x-rollbook-truncated"
KEPT_SECONDS = b"600"


class Cors:
    """ASGI middleware, around the gate."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a preflight; let the page of a listed origin read what its key is answered."""
        origin = _header(scope, b"origin") if scope["type"] == "http" else None
        if origin is None:
            await self._app(scope, receive, send)
        elif scope["method"] == "OPTIONS" and _header(scope, b"access-control-request-method") is not None:
            await _preflight(scope, send, origin)
        else:
            await self._app(scope, receive, _readable(scope, send, origin))


async def _preflight(scope: Scope, send: Send, origin: bytes) -> None:
    credentials = getattr(scope["app"].state, "credentials", None) if "app" in scope else None
    origins: frozenset[str] = await anyio.to_thread.run_sync(credentials.keys.origins) if credentials else frozenset()
    headers = [(b"vary", b"origin"), (b"content-length", b"0")]
    if origin.decode("latin-1").lower() in origins:
        headers += [
            (b"access-control-allow-origin", origin),
            (b"access-control-allow-methods", METHODS),
            (b"access-control-allow-headers", HEADERS),
            (b"access-control-max-age", KEPT_SECONDS),
        ]
    await send({"type": "http.response.start", "status": 204, "headers": headers})
    await send({"type": "http.response.body", "body": b""})


def _readable(scope: Scope, send: Send, origin: bytes) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start" and _allows(scope, origin):
            allowed = [(b"access-control-allow-origin", origin), (b"access-control-expose-headers", EXPOSED)]
            message = {**message, "headers": [*message["headers"], *allowed, (b"vary", b"origin")]}
        await send(message)

    return sending


def _allows(scope: Scope, origin: bytes) -> bool:
    grant = scope.get("state", {}).get("grant")
    origins = grant.caller.origins if grant is not None and grant.caller is not None else None
    return origins is not None and origin.decode("latin-1").lower() in origins


def _header(scope: Scope, name: bytes) -> bytes | None:
    return next((value for key, value in scope["headers"] if key == name), None)
