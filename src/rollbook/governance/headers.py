"""Headers that every answer carries, whoever made it: what a browser may do with it.

An answer that sets one of them itself (a page its own content security policy) keeps its own.

Sources: OWASP ASVS 4.0.3, V14.4; OWASP Secure Headers Project.
"""

from fastapi import FastAPI
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rollbook.governance.loopback import is_loopback

# for what is no page: nothing in it is run, and nothing may frame it
POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
UNUSED = ("accelerometer", "camera", "geolocation", "gyroscope", "magnetometer", "microphone", "payment", "usb")
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    # our own pages must be able to say in Origin that a form is theirs
    "referrer-policy": "same-origin",
    "permissions-policy": ", ".join(f"{name}=()" for name in UNUSED),
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}
STRICT_TRANSPORT = (b"strict-transport-security", b"max-age=31536000; includeSubDomains")
REVALIDATED = (b"cache-control", b"no-cache")

_ALL = tuple((name.encode(), value.encode()) for name, value in HEADERS.items())
_CACHE = b"cache-control"

RawHeaders = list[tuple[bytes, bytes]]


def install(app: FastAPI) -> None:
    """Put the headers around all of an application, its answers to what should not happen included."""
    build = app.build_middleware_stack
    app.build_middleware_stack = lambda: Headers(build())  # type: ignore[method-assign]


class Headers:
    """ASGI middleware: adds what an answer does not say itself."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, and add to the answer's head."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *_missing(scope, message["headers"])]
            await send(message)

        await self._app(scope, receive, sending)


def _missing(scope: Scope, given: RawHeaders) -> RawHeaders:
    names = {name for name, _ in given}
    added = [header for header in _ALL if header[0] not in names]
    # a file that can be asked for again by its tag may be kept
    if b"etag" in names and _CACHE not in names:
        added[-1] = REVALIDATED
    if scope["scheme"] == "https" and not is_loopback(_host(scope)):
        added.append(STRICT_TRANSPORT)
    return added


def _host(scope: Scope) -> str:
    return next((value.decode("latin-1") for name, value in scope["headers"] if name == b"host"), "")
