"""Bodies: how large what is sent may be. The way in, which unpacks bodies too, measures them itself."""

from fastapi import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Bodies:
    """ASGI middleware: a request whose body is larger than `most_bytes` is answered with 413."""

    def __init__(self, app: ASGIApp, most_bytes: int) -> None:
        self._app = app
        self._most_bytes = most_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request, and stop reading where it is too large."""
        read = 0

        async def measured() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b"")) if message["type"] == "http.request" else 0
            if read > self._most_bytes:
                told = f"the body is larger than {self._most_bytes} bytes (ROLLBOOK_MAX_BODY_BYTES); send it in parts"
                raise HTTPException(413, told)
            return message

        await self._app(scope, measured if scope["type"] == "http" else receive, send)
