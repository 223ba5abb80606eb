"""Feeds: where the bus hears of events from."""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.compute as pc
import redis.asyncio
import structlog
from redis.exceptions import RedisError

from rollbook.errors import Invalid, RollbookError, Unavailable
from rollbook.governance.consent import standing_of
from rollbook.store import Store
from rollbook.store.sharing import Published
from rollbook.store.sharing.history import Names, published, read

log = structlog.get_logger()

MOST_WAITING = 100_000
REST_SECONDS = 1.0
WAIT_SECONDS = 1.0
TIMEOUT_SECONDS = 5


class OpenBook(Protocol):
    """An open Rollbook."""

    @property
    def store(self) -> Store:
        """Its store."""


class Feed(Protocol):
    """Where events come from."""

    async def want(self, types: Sequence[str]) -> None:
        """Hear of these types, too."""

    async def open(self) -> None:
        """Begin. Raises Unavailable."""

    async def next(self) -> Sequence[Published]:
        """The next events, as soon as there are any."""

    async def last(self, type: str, count: int) -> Sequence[bytes]:
        """The last of a type, the newest first, as they are kept."""

    async def close(self) -> None:
        """End."""


class FromRedis:
    """Events that a Rollbook publishes through Redis."""

    def __init__(self, url: str, tenant: str, *, theirs: str) -> None:
        """`theirs`: the tenant whose channels have document 2's names."""
        self._url = url
        self._names = Names(tenant, tenant == theirs)
        self._types: frozenset[str] = frozenset()
        self._redis: redis.asyncio.Redis | None = None
        self._channels: redis.asyncio.client.PubSub | None = None
        self._early: deque[Published] = deque()
        self._confirmed = asyncio.Condition()
        self._subscribed: set[bytes] = set()

    async def want(self, types: Sequence[str]) -> None:
        """Subscribe now, if it is open, and return when Redis has confirmed; else when it is opened."""
        self._types |= set(types)
        if self._channels is None or not types:
            return
        names = {name.encode() for name in map(self._names.channel, types)}
        # what fails here is subscribed to when the connection is made anew
        with contextlib.suppress(RedisError, OSError):
            await self._channels.subscribe(*names)
            async with asyncio.timeout(TIMEOUT_SECONDS), self._confirmed:
                await self._confirmed.wait_for(lambda: names <= self._subscribed)

    async def open(self) -> None:
        """Connect and subscribe; returns when Redis has confirmed."""
        # of the loop that runs now
        self._confirmed = asyncio.Condition()
        try:
            await self._connect()
        except (RedisError, OSError) as error:
            await self.close()
            raise Unavailable(f"event bus: Redis does not answer: {error}") from error

    async def next(self) -> Sequence[Published]:
        """The next event; after a cut connection those from then on."""
        while True:
            try:
                if self._channels is None:
                    await self._connect()
                assert self._channels is not None
                if not self._types:
                    await asyncio.sleep(WAIT_SECONDS)
                    continue
                if (entry := self._early.popleft() if self._early else await self._read(WAIT_SECONDS)) is not None:
                    return [entry]
            except (RedisError, OSError) as error:
                log.warning("event_bus_cut", why=str(error), effect="what is published until it is back is not heard")
                await self.close()
                await asyncio.sleep(REST_SECONDS)

    async def last(self, type: str, count: int) -> Sequence[bytes]:
        """From the list of the type."""
        try:
            async with self._client() as client:
                found: Any = await client.lrange(self._names.history(type), 0, count - 1)
                return list(found)
        except (RedisError, OSError) as error:
            raise Unavailable(f"event bus: Redis does not answer: {error}") from error

    async def close(self) -> None:
        """Let Redis go."""
        channels, client = self._channels, self._redis
        self._subscribed.clear()
        self._channels = self._redis = None
        if channels is not None:
            await channels.aclose()  # type: ignore[no-untyped-call]
        if client is not None:
            await client.aclose()

    async def _connect(self) -> None:
        await self.close()
        self._redis = self._client()
        await self._redis.ping()
        self._channels = self._redis.pubsub()
        names = {name.encode() for name in map(self._names.channel, self._types)}
        if names:
            await self._channels.subscribe(*names)
        async with asyncio.timeout(TIMEOUT_SECONDS):
            while not names <= self._subscribed:
                if (entry := await self._read(TIMEOUT_SECONDS)) is not None:
                    self._early.append(entry)

    async def _read(self, seconds: float) -> Published | None:
        """The next event, if it comes within so many seconds and is the next that is told at all."""
        assert self._channels is not None
        told = await self._channels.get_message(timeout=seconds)
        if told is None:
            return None
        if told["type"] == "subscribe":
            async with self._confirmed:
                self._subscribed.add(told["channel"])
                self._confirmed.notify_all()
            return None
        return read(told["data"])

    def _client(self) -> redis.asyncio.Redis:
        return redis.asyncio.from_url(self._url, socket_connect_timeout=TIMEOUT_SECONDS)


class FromBook:
    """Events that an open Rollbook in this process commits."""

    def __init__(self, book: OpenBook, tenant: str) -> None:
        self._store = book.store
        self._tenant = tenant
        self._types: frozenset[str] = frozenset()
        self._waiting: deque[Published] = deque()
        self._arrived = asyncio.Event()
        self._stop: Callable[[], None] | None = None
        self._left_out = 0

    async def want(self, types: Sequence[str]) -> None:
        """Hear of these types, too."""
        self._types |= set(types)

    async def open(self) -> None:
        """Listen to what is committed."""
        loop = asyncio.get_running_loop()
        self._arrived = asyncio.Event()

        def hear(rows: pa.Table) -> None:
            wanted = rows.filter(pc.equal(rows["tenant"], self._tenant))
            wanted = wanted.filter(pc.is_in(wanted["type"], pa.array(sorted(self._types), pa.string())))
            if len(wanted):
                loop.call_soon_threadsafe(self._take, wanted)

        self._stop = self._store.changes.on_commit(hear)

    async def next(self) -> Sequence[Published]:
        """All that has come."""
        await self._arrived.wait()
        self._arrived.clear()
        found = list(self._waiting)
        self._waiting.clear()
        while True:
            try:
                standing = await asyncio.to_thread(standing_of, self._store, self._tenant)
                return [event for event in found if standing.may_use(event.user_id, "analytics")]
            except RollbookError as error:
                log.warning("event_bus_waits", why=error.detail)
                await asyncio.sleep(REST_SECONDS)

    async def last(self, type: str, count: int) -> Sequence[bytes]:
        """There is none: ask `analytics_events`."""
        raise Invalid("event bus: only Redis keeps a history; ask the question analytics_events")

    async def close(self) -> None:
        """Listen no more."""
        if self._stop is not None:
            self._stop()
            self._stop = None

    def _take(self, rows: pa.Table) -> None:
        room = MOST_WAITING - len(self._waiting)
        if len(rows) > room:
            self._left_out += len(rows) - room
            log.warning("event_bus_full", left_out=self._left_out, effect="handlers are too slow, and have missed them")
        self._waiting.extend(published(rows.slice(0, max(0, room))))
        self._arrived.set()
