"""Clients: one live connection each, with what waits to be sent to it, never more than a bound."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from rollbook.analyses.arrivals import MOST_ARRIVALS, Position
from rollbook.delivery.live.messages import head, told
from rollbook.delivery.live.touched import Touched
from rollbook.governance.grants import Grant

# of one client; what many get is kept once for all of them
MOST_WAITING = 2 * MOST_ARRIVALS
MOST_WAITING_BYTES = 16 << 20
MOST_SUBSCRIPTIONS = 50

# codes of RFC 6455
POLICY, GOING_AWAY, TRY_AGAIN = 1008, 1001, 1013


class Topic(Protocol):
    """What is read for its subscriptions when something may have changed."""

    key: str
    tenant: str
    subscriptions: list["Subscription"]
    dirty: bool
    running: bool
    joining: int
    asked_at: float

    def heard(self, touched: Touched) -> None:
        """Turn dirty where the change may be one for it."""

    def read(self) -> Callable[[], Iterator[None]]:
        """Read what is new, in a thread; what it gives sends it, on the loop, which may do else at each yield.

        Raises as asking does.
        """

    def leave(self, subscription: "Subscription") -> None:
        """Somebody watches it no longer."""


@dataclass(slots=True, eq=False)
class Subscription:
    """One thing that a client watches. `waits`: it has had no answer yet.

    Where events are watched, `position` is behind the last that was sent, `queued` behind the last that waits for it.
    """

    client: "Client"
    id: str
    grant: Grant
    topic: Topic
    position: Position | None = None
    queued: Position | None = None
    waits: bool = True
    seq: int = 0

    def send(self, type: str, content: bytes, position: Position | None = None) -> None:
        """Send a message whose content many get."""
        self.seq += 1
        self.queued = position or self.queued
        self.client.wait(Waiting(head(type, self.id, self.seq), content, self, position))


@dataclass(frozen=True, slots=True)
class Waiting:
    """A message: its head, and content that others may share; and where a subscription stands once it is sent."""

    head: bytes
    content: bytes = b""
    subscription: Subscription | None = None
    position: Position | None = None
    closes: int | None = None

    def body(self) -> bytes:
        """The message as it is sent."""
        return self.head + self.content

    def __len__(self) -> int:
        return len(self.head) + len(self.content)


class Client:
    """A connection. Whoever serves it takes what `next` gives and sends it; what comes too fast makes it `gone`."""

    def __init__(self, grant: Grant, *, most: int = MOST_WAITING, most_bytes: int = MOST_WAITING_BYTES) -> None:
        self.grant = grant
        self.subscriptions: dict[str, Subscription] = {}
        self.code: int | None = None
        self._most, self._most_bytes = most, most_bytes
        self._waiting: deque[Waiting] = deque()
        self._bytes = 0
        self._left = False
        self._end: tuple[str, str] | None = None
        self._ready, self._empty = asyncio.Event(), asyncio.Event()

    def put(self, body: bytes) -> None:
        """Let a message of its own wait to be sent."""
        self.wait(Waiting(body))

    def wait(self, message: Waiting) -> None:
        """Let a message wait to be sent. A client that is too slow for its messages is dropped, and may resume."""
        if self.code is not None:
            return
        if len(self._waiting) >= self._most or self._bytes + len(message) > self._most_bytes:
            self.drop(TRY_AGAIN, "slow", "you read more slowly than it is sent; come again and resume")
            return
        self._waiting.append(message)
        self._bytes += len(message)
        self._ready.set()

    def drop(self, code: int, reason: str, detail: str) -> None:
        """Say why, and where to go on; send nothing else."""
        if self.code is not None:
            return
        self.code = code
        self._waiting.clear()
        self._bytes = 0
        self._end = (reason, detail)
        self._ready.set()

    def leave(self) -> None:
        """It has gone by itself: nothing needs to be sent."""
        self.code = self.code or GOING_AWAY
        self._left = True
        self._ready.set()
        self._empty.set()

    async def next(self) -> Waiting | None:
        """The next message, when there is one; None: the client has gone."""
        while not self._waiting and not self._left and self._end is None:
            self._ready.clear()
            await self._ready.wait()
        if self._left:
            return None
        if self._end is not None:
            # only now is it known what was sent before it
            (reason, detail), self._end, self._left = self._end, None, True
            return Waiting(told("gone", None, reason=reason, detail=detail, resume=self.resume()), closes=self.code)
        found = self._waiting.popleft()
        self._bytes -= len(found)
        if not self._waiting:
            self._empty.set()
        return found

    def sent(self, message: Waiting) -> None:
        """It is on its way."""
        if message.subscription is not None and message.position is not None:
            message.subscription.position = message.position

    async def emptied(self) -> None:
        """Wait until nothing waits, or the client has gone."""
        while self._waiting and not self._left:
            self._empty.clear()
            await self._empty.wait()

    def is_idle(self) -> bool:
        """Whether nothing waits."""
        return not self._waiting

    def resume(self) -> dict[str, str]:
        """Where each subscription to events stands: a token by its id."""
        return {one.id: one.position.text() for one in self.subscriptions.values() if one.position is not None}

    def grants(self) -> set[Grant]:
        """All that was granted to it."""
        return {self.grant, *(one.grant for one in self.subscriptions.values())}


def gone(subscription: Subscription, reason: str, detail: str) -> None:
    """End one subscription, and say why, and behind what one may resume where it was to events."""
    client, at = subscription.client, subscription.queued or subscription.position
    client.subscriptions.pop(subscription.id, None)
    subscription.topic.leave(subscription)
    more = {"resume": at.text()} if at is not None else {}
    client.put(told("gone", subscription.id, reason=reason, detail=detail, **more))
