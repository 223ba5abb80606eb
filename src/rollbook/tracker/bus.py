"""The event bus: handlers that hear of committed events, through Redis or from an open Rollbook in this process."""

import asyncio
import inspect
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable
from typing import Any
from weakref import WeakKeyDictionary

import structlog

from rollbook.errors import Invalid
from rollbook.event import EventType, stored_type
from rollbook.settings import load
from rollbook.store.sharing import Published
from rollbook.store.sharing.history import read
from rollbook.tracker.feeds import Feed, FromBook, FromRedis, OpenBook
from rollbook.tracker.heard import TrackedEvent, heard

log = structlog.get_logger()

MOST_HISTORY = 10_000

Handler = Callable[[TrackedEvent], Awaitable[None] | None]


class EventBus:
    """Hands each event of a type to the handlers that subscribed to it, one after the other, in order of their commit.

    Through Redis an event may be missed while the connection is cut, or heard twice (its `event_id` tells); `history`
    has those of the last days. In the process of an open Rollbook each is heard once.
    """

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self._handlers: dict[str, list[Handler]] = defaultdict(list)
        self._listening: asyncio.Task[None] | None = None

    async def subscribe(self, event_types: Iterable[EventType | str], handler: Handler) -> None:
        """Have a handler, async or not, called with every event of these types from now on.

        What it raises is logged; other handlers and later events are not kept from theirs.
        """
        types = [stored_type(type) for type in event_types]
        for type in types:
            self._handlers[type].append(handler)
        await self._feed.want(types)

    async def unsubscribe(self, handler: Handler) -> None:
        """Call a handler no more."""
        for handlers in self._handlers.values():
            while handler in handlers:
                handlers.remove(handler)

    async def start_listening(self) -> asyncio.Task[None]:
        """Begin, and return once every event from now on will be heard. The task that is returned goes on until `stop`:

        a program that does nothing else waits for it: `await (await bus.start_listening())`.
        """
        if self._listening is None or self._listening.done():
            await self._feed.open()
            self._listening = asyncio.create_task(self._listen(), name="event bus")
        return self._listening

    async def stop(self) -> None:
        """Hear no more."""
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.gather(self._listening, return_exceptions=True)
            self._listening = None
        await self._feed.close()

    async def history(self, event_type: EventType | str, count: int = 100) -> list[TrackedEvent]:
        """The last events of a type that were published, the newest first. Raises Invalid without Redis."""
        if not 1 <= count <= MOST_HISTORY:
            raise Invalid(f"count: 1 to {MOST_HISTORY}, not {count}")
        entries = map(read, await self._feed.last(stored_type(event_type), count))
        return [heard(entry) for entry in entries if entry is not None]

    async def _listen(self) -> None:
        while True:
            for event in await self._feed.next():
                await self._hand(event)

    async def _hand(self, published: Published) -> None:
        event = heard(published)
        for handler in tuple(self._handlers.get(event.event_type, ())):
            try:
                done: Any = handler(event)
                if inspect.isawaitable(done):
                    await done
            except Exception:
                log.exception("handler_failed", event_type=event.event_type, event_id=event.event_id)


_of_books: WeakKeyDictionary[OpenBook, dict[str, EventBus]] = WeakKeyDictionary()
_of_redis: dict[tuple[str, str], EventBus] = {}


def get_event_bus(book: OpenBook | None = None, *, tenant: str = "default", redis_url: str | None = None) -> EventBus:
    """The one bus of an open Rollbook in this process, or of the Redis that `redis_url` or REDIS_URL names.

    `tenant`: of whom. Raises Invalid where there is neither.
    """
    if book is not None:
        buses = _of_books.setdefault(book, {})
        return buses.setdefault(tenant, EventBus(FromBook(book, tenant)))
    settings = load()
    url = redis_url or settings.redis
    if not url:
        raise Invalid("event bus: set REDIS_URL (or REDIS_HOST), or give an open Rollbook")
    return _of_redis.setdefault((url, tenant), EventBus(FromRedis(url, tenant, theirs=settings.redis_tenant)))
