"""Windows: how many calls each caller has made in the last minute, counted in this process or in Redis for all.

Both count with a sliding window: the last minute's count fades out as the current one goes on, so that nobody gets
twice the limit around the turn of a minute. Source: the "sliding window counter" of the library `limits`.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import structlog
from limits import RateLimitItem, RateLimitItemPerMinute
from limits.aio.storage import RedisStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from redis.exceptions import RedisError

log = structlog.get_logger()

WINDOW_SECONDS = 60
# what fractions of calls and seconds may be off
ROUNDING = 1e-6
MOST_COUNTED = 100_000
# of a high limit so many parts are taken from Redis at a time, and used up here without asking it
PARTS = 1000
PART_SECONDS = 1
REDIS_TIMEOUT_SECONDS = 0.5
# how long Redis is left alone when it did not answer
REDIS_REST_SECONDS = 5

Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Spent:
    """A call: whether it is allowed, what is left, when a new window begins, how long to wait if it is refused."""

    allowed: bool
    remaining: int
    reset_seconds: int
    wait_seconds: int = 0


class Windows(Protocol):
    """Counts calls."""

    async def spend(self, who: str, limit: int) -> Spent:
        """Count a call of somebody who may make so many in a minute; a refused one is not counted."""


class InMemory:
    """Counts in this process."""

    def __init__(self, clock: Clock = time.time) -> None:
        self._clock = clock
        # who -> [window, calls in it, calls in the one before]
        self._counts: dict[str, list[int]] = {}

    async def spend(self, who: str, limit: int) -> Spent:
        """Count a call."""
        now = self._clock()
        window = int(now // WINDOW_SECONDS)
        passed = now - window * WINDOW_SECONDS
        cell = self._cell(who, window)
        _, calls, before = cell
        fading = before * (1 - passed / WINDOW_SECONDS)
        reset = math.ceil(WINDOW_SECONDS - passed)
        if calls + fading + 1 > limit + ROUNDING:
            free = WINDOW_SECONDS * _free_at(calls, before, limit) - passed
            return Spent(False, 0, reset, max(1, math.ceil(free - ROUNDING)))
        cell[1] += 1
        return Spent(True, max(0, int(limit - calls - fading - 1 + ROUNDING)), reset)

    def _cell(self, who: str, window: int) -> list[int]:
        cell = self._counts.get(who)
        if cell is None:
            if len(self._counts) >= MOST_COUNTED:
                self._drop(window)
            cell = self._counts[who] = [window, 0, 0]
        elif cell[0] != window:
            cell[:] = [window, 0, cell[1] if cell[0] == window - 1 else 0]
        return cell

    def _drop(self, window: int) -> None:
        """Forget who has not called for a window; if that is not half of them, also who came first."""
        kept = [(who, cell) for who, cell in self._counts.items() if cell[0] >= window - 1]
        self._counts = dict(kept[-MOST_COUNTED // 2 :])


def _free_at(calls: int, before: int, limit: int) -> float:
    """When the next call is allowed, in windows from the start of this one."""
    if calls + 1 <= limit:
        return 1 - (limit - 1 - calls) / before
    return 2 - (limit - 1) / calls


class InRedis:
    """Counts in Redis for all processes; in this one alone while it does not answer."""

    def __init__(self, url: str, clock: Clock = time.time) -> None:
        self._clock = clock
        self._storage = RedisStorage(
            f"async+{url}",
            implementation="redispy",
            key_prefix="rollbook:rate",
            socket_timeout=REDIS_TIMEOUT_SECONDS,
            socket_connect_timeout=REDIS_TIMEOUT_SECONDS,
        )
        self._limiter = SlidingWindowCounterRateLimiter(self._storage)
        self._instead = InMemory(clock)
        self._rest_until = float("-inf")
        # who -> how many calls are paid for, until when, and what Redis said then
        self._paid: dict[str, tuple[int, float, Spent]] = {}

    async def spend(self, who: str, limit: int) -> Spent:
        """Count a call."""
        now = self._clock()
        left, until, said = self._paid.get(who, (0, 0.0, None))
        if said is not None and left and now < until:
            self._paid[who] = (left - 1, until, said)
            return said
        if now < self._rest_until:
            return await self._instead.spend(who, limit)
        try:
            return await self._ask(who, limit, now)
        except (RedisError, OSError) as error:
            self._rest_until = now + REDIS_REST_SECONDS
            log.warning("redis_silent", why=str(error) or type(error).__name__, effect="limits are counted per process")
            return await self._instead.spend(who, limit)

    async def _ask(self, who: str, limit: int, now: float) -> Spent:
        item: RateLimitItem = RateLimitItemPerMinute(limit)
        cost = max(1, limit // PARTS)
        allowed = await self._limiter.hit(item, who, cost=cost)
        stats = await self._limiter.get_window_stats(item, who)
        wait = max(1, math.ceil(stats.reset_time - time.time()))
        said = Spent(allowed, stats.remaining, wait, 0 if allowed else wait)
        if allowed and cost > 1:
            if len(self._paid) >= MOST_COUNTED:
                self._paid.clear()
            self._paid[who] = (cost - 1, now + PART_SECONDS, said)
        return said
