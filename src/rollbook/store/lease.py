"""The lease: of several processes that use one ClickHouse server one writes, the others answer questions.

Each process claims it, and says again and again that it is alive; who claimed first among those alive has it. Times are
the server's. A process that could not say so for half of the time after which others take it for dead stops writing by
itself, and claims anew; so there are never two. The folder of an embedded engine needs no lease, it has its lock.
"""

import contextlib
import socket
import time
import uuid
from dataclasses import dataclass
from os import getpid
from pathlib import Path

from rollbook.errors import RollbookError, Unavailable
from rollbook.store.engine import Engine

# how long a claim may take to be seen by others; until then nobody knows who came first
SETTLE_SECONDS = 1.0
CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)  # goes on while the machine sleeps

CLAIM = """
insert into writers (holder, name, claimed, beat, number)
select {holder:String}, {name:String}, toUnixTimestamp64Micro(now64(6) as at), at, toUnixTimestamp64Micro(at)
"""

BEAT = """
insert into writers (holder, name, claimed, beat, number)
select {holder:String}, {name:String}, {claimed:UInt64}, now64(6) as at, toUnixTimestamp64Micro(at)
"""

RELEASE = """
insert into writers (holder, name, claimed, beat, number)
select {holder:String}, {name:String}, {claimed:UInt64}, 0, toUnixTimestamp64Micro(now64(6))
"""

LIVE = """
select holder, name, claimed from writers final
where beat > now64(6) - toIntervalSecond({expiry:UInt32}) order by claimed, holder
"""


@dataclass(frozen=True, slots=True)
class Claim:
    """A process that is alive: who it is, for machines and for people, and since when (in microseconds) it claims."""

    holder: str
    name: str
    claimed: int


class Lease:
    """This process' part. `renew` again and again, far more often than the lease expires."""

    def __init__(self, engine: Engine, folder: Path, expiry_seconds: int) -> None:
        """Claim it; if nobody else is alive it is held at once. Raises Unavailable."""
        self._engine = engine
        self._holder = holder_of(folder)
        self._name = f"process {getpid()} on {socket.gethostname()}"
        self._expiry = expiry_seconds
        self._claimed: int | None = None
        self._claimed_at = self._confirmed_at = float("-inf")
        self._others: list[Claim] = []
        mine = next((claim for claim in self._live() if claim.holder == self._holder), None)
        if mine is not None:
            # left by the process that had this folder before, whose end the folder's lock has seen
            self._claimed = mine.claimed
        elif not self._others:
            self._claim()
            time.sleep(SETTLE_SECONDS)
        self.renew()

    def held(self) -> bool:
        """Whether this process may write now."""
        return self._now() - self._confirmed_at < self._expiry / 2

    def check(self) -> None:
        """Raises Unavailable, naming who writes, if this process may not."""
        if not self.held():
            raise Unavailable(self.refusal(), retry_after_seconds=5)

    def refusal(self) -> str:
        """Why this process may not write."""
        if not self._others:
            return "this process is not yet, or no more, the one that writes to this ClickHouse; send it again"
        return (
            f"{self._others[0].name} writes to this ClickHouse, one process at a time does: send events there; this one"
            " answers questions, and takes over when the other has ended"
        )

    def renew(self) -> bool:
        """Say that this process is alive, and see whether it has the lease. Raises Unavailable."""
        began = self._now()
        lapsed = self._confirmed_at > float("-inf") and not self.held()
        if self._claimed is None or lapsed:
            self._claim()
            return False
        self._engine.command(BEAT, self._bound() | {"claimed": self._claimed}, aside=True)
        first = next(iter(self._live()), None)
        settled = began - self._claimed_at >= SETTLE_SECONDS
        if first is not None and first.holder == self._holder and first.claimed == self._claimed and settled:
            self._confirmed_at = began
        else:
            self._confirmed_at = float("-inf")
        return self.held()

    def release(self) -> None:
        """Let another take over at once."""
        self._confirmed_at = float("-inf")
        if self._claimed is not None:
            # if it cannot be said, it expires by itself
            with contextlib.suppress(RollbookError):
                self._engine.command(RELEASE, self._bound() | {"claimed": self._claimed}, aside=True)
            self._claimed = None

    def _claim(self) -> None:
        """Queue up for it, behind all who are alive."""
        self._claimed, self._confirmed_at = None, float("-inf")
        began = self._now()
        self._engine.command(CLAIM, self._bound(), aside=True)
        mine = next((claim for claim in self._live() if claim.holder == self._holder), None)
        # one that took too long to be seen may have been overlooked by somebody who came later
        if mine is not None and self._now() - began < SETTLE_SECONDS / 2:
            self._claimed, self._claimed_at = mine.claimed, self._now()

    def _live(self) -> list[Claim]:
        claims = [Claim(**row) for row in self._engine.query(LIVE, {"expiry": self._expiry}, unlimited=True)]
        self._others = [claim for claim in claims if claim.holder != self._holder]
        return claims

    def _bound(self) -> dict[str, str | int]:
        return {"holder": self._holder, "name": self._name}

    def _now(self) -> float:
        return time.clock_gettime(CLOCK)


def holder_of(folder: Path) -> str:
    """The name of a data folder among all, made once: who holds the folder's lock is the only one of that name."""
    path = folder / "holder"
    if not path.exists():
        path.write_text(str(uuid.uuid4()))
    return path.read_text().strip()
