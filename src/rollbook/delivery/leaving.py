"""Leaving: a caller who goes away before the answer gives up the questions that run for them."""

import asyncio
import contextlib

import anyio
import anyio.to_thread
import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rollbook.errors import RollbookError
from rollbook.store.asking.turns import Asking, asking, most_waiting

log = structlog.get_logger()

# what asks and changes nothing, though it is sent with a body
ASKING_POSTS = ("/export", "/api/v2/metrics/query")
# streams watch their callers themselves
STREAMS = "/api/v2/live"
MOST_MESSAGES = 4
# threads beside those that questions hold
OTHER_THREADS = 20
ENDING_THREADS = 2


class Leaving:
    """ASGI middleware: listens for the caller while the application answers."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._ending = anyio.CapacityLimiter(ENDING_THREADS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on; end what is asked when the caller has left."""
        if not _asks(scope):
            await self._app(scope, receive, send)
            return
        call = Asking()
        asking.set(call)
        messages: asyncio.Queue[Message] = asyncio.Queue(MOST_MESSAGES)
        listening = asyncio.create_task(self._listen(receive, messages, call))
        gone: Message | None = None

        async def received() -> Message:
            nonlocal gone
            message = gone or await messages.get()
            gone = message if message["type"] == "http.disconnect" else None
            return message

        try:
            await self._app(scope, received, send)
        finally:
            listening.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await listening

    async def _listen(self, receive: Receive, messages: asyncio.Queue[Message], call: Asking) -> None:
        while True:
            message = await receive()
            await messages.put(message)
            if message["type"] == "http.disconnect":
                break
        call.given_up = True
        if not call.is_running():
            return
        try:
            await anyio.to_thread.run_sync(call.give_up, limiter=self._ending, abandon_on_cancel=True)
        except RollbookError as error:
            log.warning("not_given_up", detail=error.detail, effect="it ends at MAX_QUERY_EXECUTION_TIME_MS")


def make_room(parallel_queries: int) -> None:
    """Let as many threads work as questions may run and wait, and others beside, who never wait for questions."""
    limiter = anyio.to_thread.current_default_thread_limiter()
    wanted = parallel_queries + most_waiting(parallel_queries) + OTHER_THREADS
    limiter.total_tokens = max(limiter.total_tokens, wanted)


def _asks(scope: Scope) -> bool:
    if scope["type"] != "http" or scope["path"].startswith(STREAMS):
        return False
    return scope["method"] in ("GET", "HEAD") or (scope["method"] == "POST" and scope["path"] in ASKING_POSTS)
