"""Rates: how often a caller may call, and how slowly one may guess.

Limits are per key or person; an address is only counted for calls that show nothing: a whole school may share one.
Sources: draft-ietf-httpapi-ratelimit-headers-03 (names of the headers), RFC 6585 (429), RFC 9110 (Retry-After).
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

from rollbook.errors import TooMany, Unauthenticated
from rollbook.governance.caller import Caller
from rollbook.governance.rates.addresses import block
from rollbook.governance.rates.windows import WINDOW_SECONDS, InMemory, InRedis, Spent, Windows
from rollbook.settings import Settings

UNLIMITED = ("local", "open")
FIRST_WAIT_SECONDS = 60
LONGEST_WAIT_SECONDS = 3600
# after so long without a wrong key an address is as good as any other
FORGIVEN_SECONDS = 7200
MOST_ADDRESSES = 10_000

Headers = list[tuple[bytes, bytes]]


@dataclass(slots=True)
class _Trouble:
    since: float
    wrong: int = 0
    waits: int = 0
    waits_until: float = 0
    last: float = 0


class Rates:
    """The limits of one process (wrong keys are counted in each), or of several by REDIS_URL."""

    def __init__(self, settings: Settings, *, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._windows: Windows = InRedis(settings.redis, clock) if settings.redis else InMemory(clock)
        self._of_addresses = settings.rate_limit_per_minute
        asked = "rate_limit_per_minute" in settings.model_fields_set
        self._of_callers = settings.rate_limit_per_minute if asked else settings.rate_limit_per_key
        self._wrong = settings.failed_per_minute
        self._troubles: dict[str, _Trouble] = {}

    async def check(self, caller: Caller | None, address: str) -> Headers:
        """Count a call. The headers that say what is left. Raises TooMany."""
        if caller is None:
            who, limit, whose = f"address:{block(address)}", self._of_addresses, "calls without a key or token"
        elif caller.credential in UNLIMITED or not self._of_callers:
            return []
        else:
            who, limit, whose = f"{caller.tenant}/{caller.credential}", self._of_callers, "calls"
        spent = await self._windows.spend(who, limit)
        headers = _headers(limit, spent)
        if not spent.allowed:
            detail = f"more than {limit} {whose} in a minute; call again in {spent.wait_seconds} seconds"
            raise TooMany(detail, retry_after_seconds=spent.wait_seconds, headers=headers)
        return headers

    def look(self, address: str) -> None:
        """Somebody there shows a key that was not seen lately. Raises TooMany while the address must wait."""
        trouble = self._troubles.get(block(address))
        if trouble is not None:
            self._wait(trouble, self._clock())

    def failed(self, address: str, error: Unauthenticated) -> None:
        """Somebody showed there what is no good. Raises TooMany from the limit on, each time for twice as long."""
        if error.was_good:
            return
        now, trouble = self._clock(), self._trouble(block(address))
        self._wait(trouble, now)
        if now - trouble.since >= WINDOW_SECONDS:
            trouble.since, trouble.wrong = now, 0
        trouble.wrong, trouble.last = trouble.wrong + 1, now
        if trouble.wrong > self._wrong:
            trouble.waits_until = now + min(FIRST_WAIT_SECONDS * 2**trouble.waits, LONGEST_WAIT_SECONDS)
            trouble.waits = min(trouble.waits + 1, 10)
            trouble.since, trouble.wrong = trouble.waits_until, 0
            self._wait(trouble, now)

    def _wait(self, trouble: _Trouble, now: float) -> None:
        if now < trouble.waits_until:
            seconds = math.ceil(trouble.waits_until - now)
            raise TooMany(
                f"too many wrong keys or tokens from this address; try again in {seconds} seconds",
                retry_after_seconds=seconds,
            )

    def _trouble(self, address: str) -> _Trouble:
        now = self._clock()
        found = self._troubles.get(address)
        if found is None or now - max(found.last, found.waits_until) > FORGIVEN_SECONDS:
            if len(self._troubles) >= MOST_ADDRESSES:
                newest = sorted(self._troubles.items(), key=lambda one: one[1].last)[MOST_ADDRESSES // 2 :]
                self._troubles = dict(newest)
            found = self._troubles[address] = _Trouble(now)
        return found


def _headers(limit: int, spent: Spent) -> Headers:
    most, left, reset = b"%d" % limit, b"%d" % spent.remaining, b"%d" % spent.reset_seconds
    return [
        (b"ratelimit-limit", most),
        (b"ratelimit-remaining", left),
        (b"ratelimit-reset", reset),
        (b"x-ratelimit-limit", most),
        (b"x-ratelimit-remaining", left),
        (b"x-ratelimit-reset", reset),
    ]
