"""Clients: one live connection each, with what waits to be sent to it, never more than a bound."""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from rollbook.analyses.arrivals import Position
from rollbook.delivery.live.messages import numbered, told
from rollbook.delivery.live.touched import Touched
from rollbook.governance.grants import Grant

MOST_WAITING = 1_000
MOST_WAITING_BYTES = 4 << 20
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
    asked_at: float

    def heard(self, touched: Touched) -> None:
        """Turn dirty where the change may be one for it."""

    def read(self) -> Callable[[], None]:
        """Read what is new, in a thread; what it gives sends it, on the loop. Raises as asking does."""

    def leave(self, subscription: "Subscription") -> None:
        """Somebody watches it no longer."""


@dataclass(slots=True, eq=False)
class Subscription:
    """One thing that a client watches. `position`: behind the last event that was sent, where events are watched.

    `waits`: it has had no answer yet.
    """

    client: "Client"
    id: str
    grant: Grant
    topic: Topic
    position: Position | None = None
    waits: bool = True
    seq: int = 0

    def send(self, type: str, content: bytes, position: Position | None = None) -> None:
        """Send a message whose content many get."""
        self.seq += 1
        self.client.put(numbered(type, self.id, self.seq, content), self, position)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A message, and where a subscription stands once it is sent."""

    body: bytes
    subscription: Subscription | None = None
    position: Position | None = None
    closes: int | None = None


class Client:
    """A connection. Whoever serves it takes what `next` gives and sends it; what comes too fast makes it `gone`."""

    def __init__(self, grant: Grant, *, most: int = MOST_WAITING, most_bytes: int = MOST_WAITING_BYTES) -> None:
        self.grant = grant
        self.subscriptions: dict[str, Subscription] = {}
        self.code: int | None = None
        self._most, self._most_bytes = most, most_bytes
        self._waiting: deque[Waiting] = deque()
        self._bytes = 0
        self._ready = asyncio.Event()

    def put(self, body: bytes, subscription: Subscription | None = None, position: Position | None = None) -> None:
        """Let a message wait to be sent. A client that is too slow for its messages is dropped, and may resume."""
        if self.code is not None:
            return
        if len(self._waiting) >= self._most or self._bytes + len(body) > self._most_bytes:
            self.drop(TRY_AGAIN, "slow", "you read more slowly than it is sent; come again and resume")
            return
        self._waiting.append(Waiting(body, subscription, position))
        self._bytes += len(body)
        self._ready.set()

    def drop(self, code: int, reason: str, detail: str) -> None:
        """Say why, and where to go on; send nothing else."""
        if self.code is not None:
            return
        self.code = code
        self._waiting.clear()
        self._bytes = 0
        body = told("gone", None, reason=reason, detail=detail, resume=self.resume())
        self._waiting.append(Waiting(body, closes=code))
        self._ready.set()

    async def next(self) -> Waiting:
        """The next message, when there is one."""
        while not self._waiting:
            self._ready.clear()
            await self._ready.wait()
        found = self._waiting.popleft()
        self._bytes -= len(found.body)
        return found

    def sent(self, message: Waiting) -> None:
        """It is on its way."""
        if message.subscription is not None and message.position is not None:
            message.subscription.position = message.position

    def is_idle(self) -> bool:
        """Whether nothing waits."""
        return not self._waiting

    def resume(self) -> dict[str, str]:
        """Where each subscription to events stands: a token by its id."""
        return {one.id: one.position.text() for one in self.subscriptions.values() if one.position is not None}

    def grants(self) -> set[Grant]:
        """All that was granted to it."""
        return {self.grant, *(one.grant for one in self.subscriptions.values())}


def gone(subscription: Subscription, reason: str, detail: str, **more: Any) -> None:
    """End one subscription, and say why."""
    client = subscription.client
    client.subscriptions.pop(subscription.id, None)
    subscription.topic.leave(subscription)
    client.put(told("gone", subscription.id, reason=reason, detail=detail, **more))
