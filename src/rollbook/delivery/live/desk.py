"""Desk: all live connections of one process. It hears of commits, asks what may have changed, and sends what has.

Everything here happens on the event loop, one thing at a time; only reading the store happens in threads.
"""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeVar

import anyio
import anyio.to_thread
import structlog

from rollbook.delivery.live.clients import GOING_AWAY, POLICY, Client, Subscription, Topic, gone
from rollbook.delivery.live.messages import told, wrong
from rollbook.delivery.live.touched import Touched, summed
from rollbook.errors import Conflict, NotFound, RollbookError, TooMany, Unavailable
from rollbook.governance.grants import Grant
from rollbook.store import Store
from rollbook.store.asking.changes import Change, Changed

log = structlog.get_logger()

WATCH_SECONDS = 0.5
HEARTBEAT_SECONDS = 15.0
# time passes, consent and settings change: what is watched is looked at again even if no event comes
REFRESH_SECONDS = 30.0
# where nobody tells what another process commits
REFRESH_UNTOLD_SECONDS = 1.0
RETRY_SECONDS = 1.0
MOST_TOPICS = 5_000
# so long the loop may be busy with sending before it does else
MOST_BUSY_SECONDS = 0.02
# threads that read for live clients; questions of others have their own
READERS = 4

T = TypeVar("T")
StillGood = Callable[[Grant], bool]


class Desk:
    """Begins with `start`, ends with `close`. `told`: whether it hears of what other processes commit, if they do."""

    def __init__(self, store: Store, still_good: StillGood, *, told: bool = True) -> None:
        self._store = store
        self._still_good = still_good
        self._interval = store.settings.live_interval_ms / 1000
        self.changes, self.told = store.changes, told
        self._clients: set[Client] = set()
        self._topics: dict[str, Topic] = {}
        self._changes: list[Change] = []
        self._stirred = asyncio.Event()
        self._readers = anyio.CapacityLimiter(READERS)
        self._watchers = anyio.CapacityLimiter(1)
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None

    async def start(self) -> None:
        """Listen."""
        self._loop = asyncio.get_running_loop()
        self.changes.listen(self.hear)
        refresh = REFRESH_SECONDS if self.told else REFRESH_UNTOLD_SECONDS
        self.begin(self._listen())
        self.begin(self._every(WATCH_SECONDS, self._watch))
        self.begin(self._every(HEARTBEAT_SECONDS, self._beat))
        self.begin(self._every(refresh, self._refresh))

    async def close(self) -> None:
        """Let everyone go: another process, or this one started anew, takes them."""
        self.changes.ignore(self.hear)
        self.let_go()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def let_go(self) -> None:
        """Tell everyone to go: the server stops."""
        for client in list(self._clients):
            client.drop(GOING_AWAY, "stopping", "Rollbook stops; come again in a moment, and resume")

    def hear(self, change: Change) -> None:
        """Something has changed; called in any thread."""
        # rows of events are told of again when they are committed
        if not self._topics or self._loop is None or (isinstance(change, Changed) and change.by_rows):
            return
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._heard, change)

    def enter(self, client: Client) -> None:
        """A client has come. Raises Unavailable if there are too many."""
        most = self._store.settings.live_clients
        if len(self._clients) >= most:
            raise Unavailable(f"{most} live connections are open (ROLLBOOK_LIVE_CLIENTS)", retry_after_seconds=5)
        self._clients.add(client)

    def leave(self, client: Client) -> None:
        """A client has gone."""
        self._clients.discard(client)
        for one in list(client.subscriptions.values()):
            self.unsubscribe(client, one.id)

    def topic(self, found: Topic) -> Topic:
        """The topic that there is already, or this one. Raises Unavailable if there are too many."""
        there = self._topics.get(found.key)
        if there is not None:
            return there
        if len(self._topics) >= MOST_TOPICS:
            raise Unavailable(f"{MOST_TOPICS} different things are watched already", retry_after_seconds=30)
        self._topics[found.key] = found
        return found

    def subscribe(self, subscription: Subscription) -> None:
        """Somebody watches a topic from now on."""
        topic = self.topic(subscription.topic)
        subscription.topic = topic
        topic.subscriptions.append(subscription)
        topic.dirty = True
        self._kick(topic)

    def check(self, client: Client, id: str, most: int) -> None:
        """Raises Conflict for an id that is in use, TooMany for too many subscriptions."""
        if id in client.subscriptions:
            raise Conflict(f"{id!r} is subscribed already; unsubscribe it first, or choose another id")
        if len(client.subscriptions) >= most:
            raise TooMany(f"a connection has at most {most} subscriptions; unsubscribe one, or open another")

    def unsubscribe(self, client: Client, id: str) -> None:
        """Nobody wants it any longer. Raises NotFound."""
        found = client.subscriptions.pop(id, None)
        if found is None:
            raise NotFound(f"{id!r} is not subscribed")
        found.topic.leave(found)
        self.forget(found.topic)

    async def read(self, work: Callable[[], T]) -> T:
        """Read the store for a client, in a thread."""
        return await anyio.to_thread.run_sync(work, limiter=self._readers)

    def forget(self, topic: Topic) -> None:
        """Keep a topic no longer that nobody watches."""
        if not topic.subscriptions and not topic.running and not topic.joining and self._topics.get(topic.key) is topic:
            del self._topics[topic.key]

    def _heard(self, change: Change) -> None:
        self._changes.append(change)
        self._stirred.set()

    async def _listen(self) -> None:
        while True:
            await self._stirred.wait()
            self._stirred.clear()
            changes, self._changes = self._changes, []
            touched = await anyio.to_thread.run_sync(summed, changes, limiter=self._watchers)
            for topic in list(self._topics.values()):
                for one in (touched.get(topic.tenant), touched.get(None)):
                    if one is not None:
                        topic.heard(one)
                self._kick(topic)

    def _kick(self, topic: Topic) -> None:
        if topic.dirty and not topic.running and topic.subscriptions:
            topic.running = True
            self.begin(self._read(topic))

    async def _read(self, topic: Topic) -> None:
        """Read a topic as long as it may have changed, and not more often than it may be."""
        try:
            while topic.dirty and topic.subscriptions:
                await asyncio.sleep(topic.asked_at + self._interval - time.monotonic())
                topic.dirty, topic.asked_at = False, time.monotonic()
                if not await self._read_once(topic):
                    topic.dirty = True
                    await asyncio.sleep(RETRY_SECONDS)
        finally:
            topic.running = False
            self.forget(topic)

    async def _read_once(self, topic: Topic) -> bool:
        """Whether it has been read; False: not now."""
        try:
            send = await self.read(topic.read)
        except Unavailable as error:
            log.warning("live_later", detail=error.detail, status=error.status)
            for one in list(topic.subscriptions):
                if one.waits:
                    one.client.put(wrong(error, one.id))
            return False
        except RollbookError as error:
            for one in list(topic.subscriptions):
                one.client.put(wrong(error, one.id))
                gone(one, "refused", error.detail)
            return True
        except Exception:
            log.exception("live_failed")
            for one in list(topic.subscriptions):
                gone(one, "failed", "Rollbook failed at this; its log says why")
            return True
        began = time.monotonic()
        for _ in send():
            if time.monotonic() - began > MOST_BUSY_SECONDS:
                await asyncio.sleep(0)
                began = time.monotonic()
        return True

    async def _watch(self) -> None:
        """Close what is no longer allowed."""
        grants = {grant for client in self._clients for grant in client.grants()}
        if not grants:
            return
        ended = await anyio.to_thread.run_sync(partial(self._ended, grants), limiter=self._watchers)
        for client in list(self._clients) if ended else ():
            if client.grants() & ended:
                client.drop(POLICY, "ended", "what you showed has ended or was revoked, or you may see less now")

    def _ended(self, grants: set[Grant]) -> set[Grant]:
        found = set()
        for grant in grants:
            try:
                if not self._still_good(grant):
                    found.add(grant)
            except Unavailable as error:
                # the records cannot be read for a moment: nobody knows that it has ended
                log.warning("live_not_checked", detail=error.detail)
        return found

    async def _beat(self) -> None:
        for number, client in enumerate(list(self._clients)):
            if client.is_idle():
                for one in client.subscriptions.values():
                    cursor = getattr(one.topic, "cursor", None)
                    if one.position is not None and cursor is not None and not one.waits:
                        one.position = max(one.position, cursor)
                client.put(told("heartbeat", resume=client.resume()))
            if number % 100 == 99:
                await asyncio.sleep(0)

    async def _refresh(self) -> None:
        for topic in list(self._topics.values()):
            topic.heard(Touched(all=True, stamp=self.changes.stamp))
            self._kick(topic)

    async def _every(self, seconds: float, work: Callable[[], Awaitable[None]]) -> None:
        while True:
            await asyncio.sleep(seconds)
            try:
                await work()
            except Exception:
                log.exception("live_failed", doing=work.__name__)

    def begin(self, work: Awaitable[None]) -> None:
        """Do something beside; it ends with the desk."""
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
