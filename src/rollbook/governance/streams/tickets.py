"""Tickets: let a stream in once, where a browser cannot send a header.

A ticket in an address ends up in logs; one that is used or 30 seconds old is worth nothing there.
"""

import hashlib
import json
import secrets
import time
from collections.abc import Callable
from typing import Any

import redis.asyncio
from redis.exceptions import RedisError

from rollbook.errors import TooMany, Unavailable
from rollbook.governance.caller import Caller

PATH = "/api/v2/live"
GOOD_SECONDS = 30
TICKET_BYTES = 32
LONGEST = 64
MOST_WAITING = 10_000
REDIS_PREFIX = "rollbook:ticket:"
REDIS_TIMEOUT_SECONDS = 2


class Tickets:
    """Tickets that were given and not used yet: in memory, or in Redis for all processes."""

    def __init__(self, redis_url: str | None = None, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._waiting: dict[str, tuple[float, Caller]] = {}
        self._redis: redis.asyncio.Redis | None = None
        if redis_url:
            self._redis = redis.asyncio.from_url(
                redis_url, socket_timeout=REDIS_TIMEOUT_SECONDS, socket_connect_timeout=REDIS_TIMEOUT_SECONDS
            )

    async def give(self, caller: Caller) -> str:
        """A ticket with which a stream is this caller's. Raises TooMany, Unavailable."""
        ticket = secrets.token_urlsafe(TICKET_BYTES)
        name = _name(ticket)
        if self._redis is not None:
            try:
                await self._redis.set(name, json.dumps(_told(caller)), ex=GOOD_SECONDS, nx=True)
            except RedisError as error:
                raise Unavailable(f"Redis keeps the tickets, and does not answer: {error}") from error
            return ticket
        now = self._clock()
        self._waiting = {one: held for one, held in self._waiting.items() if held[0] > now}
        if len(self._waiting) >= MOST_WAITING:
            raise TooMany("too many tickets wait to be used", retry_after_seconds=GOOD_SECONDS)
        self._waiting[name] = (now + GOOD_SECONDS, caller)
        return ticket

    async def use(self, ticket: str) -> Caller | None:
        """Whose ticket it is; from now on nobody's. None: it was used, is too old or was never given."""
        if not 0 < len(ticket) <= LONGEST:
            return None
        name = _name(ticket)
        if self._redis is not None:
            try:
                held = await self._redis.getdel(name)
            except RedisError as error:
                raise Unavailable(f"Redis keeps the tickets, and does not answer: {error}") from error
            return _caller(json.loads(held)) if held else None
        until, caller = self._waiting.pop(name, (float("-inf"), None))
        return caller if self._clock() < until else None

    async def close(self) -> None:
        """Let Redis go."""
        if self._redis is not None:
            await self._redis.aclose()


def _name(ticket: str) -> str:
    """Under which a ticket is kept; from it nobody can make the ticket."""
    return REDIS_PREFIX + hashlib.sha256(ticket.encode()).hexdigest()


def _told(caller: Caller) -> dict[str, Any]:
    told = {name: getattr(caller, name) for name in Caller.__slots__}
    return {name: sorted(value) if isinstance(value, frozenset) else value for name, value in told.items()}


def _caller(told: dict[str, Any]) -> Caller:
    lists: dict[str, Any] = {name: frozenset(value) for name, value in told.items() if isinstance(value, list)}
    return Caller(**(told | lists))
