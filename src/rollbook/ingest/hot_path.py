"""The hot path: requests that bring events go straight to their endpoint, past the routing of everything else."""

from collections.abc import Awaitable, Callable

from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

Handler = Callable[[Scope, Receive, Send], Awaitable[None]]


class HotPath:
    """ASGI middleware: a POST to one of the routes' paths is handled here, all else by the application."""

    def __init__(self, app: ASGIApp, routes: list[Route]) -> None:
        self._app = app
        self._handlers: dict[str, Handler] = {route.path: route.app for route in routes}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        handler = self._handlers.get(scope["path"]) if scope["type"] == "http" and scope["method"] == "POST" else None
        await (handler or self._app)(scope, receive, send)
