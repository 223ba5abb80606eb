"""Open access is for this machine only: a web page elsewhere must not reach it through the browser of its user.

A browser that was led to 127.0.0.1 under a foreign name (DNS rebinding) says so in Host; a page of another site says so
in Origin; a proxy that passes strangers on says so in the forwarded headers. All three are refused.
"""

import ipaddress
import json
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Receive, Scope, Send

FORWARDED = (b"forwarded", b"x-forwarded-for", b"x-forwarded-host", b"x-real-ip")


class Loopback:
    """ASGI middleware: with open access, requests that do not come from this machine under its own name get 403."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse, or pass on."""
        wrong = _wrong(scope["headers"]) if scope["type"] in ("http", "websocket") else None
        if wrong is None:
            await self._app(scope, receive, send)
            return
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
            return
        body = json.dumps({"detail": f"open access (ROLLBOOK_AUTH=none) is for this machine only: {wrong}"}).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 403, "headers": headers})
        await send({"type": "http.response.body", "body": body})


def _wrong(headers: list[tuple[bytes, bytes]]) -> str | None:
    try:
        return _foreign(headers)
    except ValueError:
        return "the Host or Origin header is no address"


def _foreign(headers: list[tuple[bytes, bytes]]) -> str | None:
    for name, value in headers:
        if name == b"host" and not is_loopback(value.decode("latin-1")):
            return "the Host header names another machine"
        if name == b"origin" and not is_loopback(urlsplit(value.decode("latin-1")).netloc):
            return "the Origin header names another site"
        if name in FORWARDED:
            return "a proxy has forwarded the request"
    return None


def is_loopback(netloc: str) -> bool:
    """Whether `host` or `host:port` is this machine: localhost, 127.0.0.0/8 or [::1]."""
    host = urlsplit(f"//{netloc}").hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
