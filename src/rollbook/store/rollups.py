"""Rollups: activity, learner_days and people, a day at a time from the events.

A day that receives an event turns hot before the event is written, durably; a hot day is read from the events. Once it
has been quiet for a while it is rolled up and read from the rollups again. So a rollup never disagrees with the
events, whatever is killed when: there is nothing to repair, only something left to roll.

A sealed day is one whose events are gone, all or the older ones: what the rollups knew of them is kept beside
(`sealed_activity`), and counts wherever the events would.
"""

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Set
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

import pyarrow as pa

from rollbook.errors import Conflict, Unavailable
from rollbook.store.engine import Engine, Row
from rollbook.store.expiry.sealed import Sealed
from rollbook.store.expiry.seals import Seals, State
from rollbook.store.rollup_sql import CLEAR, DAYS_OF_EVENTS, STATE, TENANTS, differences, fill
from rollbook.store.scope import utc_days

Days = Iterable[tuple[str, date]]

MOST_DAYS_AT_ONCE = 60
MUTATION = {"mutations_sync": 1, "lightweight_deletes_sync": 2}
# two zones are up to 26 hours apart, so the day of an event in one is at most two days off its day in another
APART = 2
# a writer may have worked out its days just before the zone changed
CHANGE_SECONDS = 600


@dataclass(slots=True)
class _Heat:
    """Why a day is hot: how many writes are under way, and when the last one ended; `sure` if the table says so too."""

    writing: int = 0
    stamp: int = 0
    sure: bool = True
    touched: float = field(default_factory=time.monotonic)


class Rollups:
    """Which days are hot, and the way to roll them. One writer per store; any number of readers."""

    def __init__(self, engine: Engine, zone_of: Callable[[str], str], quiet_seconds: float) -> None:
        self._engine = engine
        self._zone_of = zone_of
        self._quiet_seconds = quiet_seconds
        self._lock = threading.Lock()
        self._rolling = threading.Lock()
        self.seals = Seals(engine)
        # held by whoever deletes events, or brings some back: one at a time
        self.changing = threading.RLock()
        self._hot: dict[str, dict[date, _Heat]] = defaultdict(dict)
        self._readers: set[int] = set()
        self._writers: set[int] = set()
        self._moved: dict[str, float] = {}
        self._clock = 0
        self._mine = False

    def begin(self) -> None:
        """Become the writer: read which days are hot."""
        with self._lock:
            self._hot.clear()
            self._moved.clear()
        self.seals.load()
        self._load()
        self._mine = True

    def end(self) -> None:
        """Be a reader again, who does not know which days are hot, and so reads events alone."""
        self._mine = False

    def hot(self, tenant: str) -> Set[date]:
        """The days of a tenant whose rollups are not to be read now."""
        with self._lock:
            return frozenset(self._hot.get(tenant, ()))

    def sealed(self, tenant: str) -> Sealed:
        """A tenant's sealed days, for one question: asked for while it is `reading`."""
        return self.seals.of(tenant) if self._mine else self.seals.read(tenant)

    def seal(self, tenant: str, days: Set[date], upto: datetime, state: State, *, zone: str) -> None:
        """Change what counts of some days: their events (`OPEN`), or what is kept of them. All at once, durably.

        When it returns, no question reads them as they were. Raises Conflict where a day that is to leave for the first
        time is hot, or the tenant counts the days of another zone by now.
        """
        self._check()
        with self._rolling, self._lock:
            sealed = self.seals.of(tenant).days
            fresh = {day for day in days if sealed.get(day) != upto}
            moved = fresh and zone != self._zone_of(tenant)
            if state == State.LEAVING and (moved or fresh & self._hot.get(tenant, {}).keys()):
                raise Conflict(f"days of {tenant} received events, or its zone changed; they are sealed later")
            self.seals.put(tenant, days, zone, upto, state)
            now = self._tick()
        self._wait_for(self._readers, now)

    @contextmanager
    def reading(self, tenant: str) -> Iterator[Set[date] | None]:
        """The hot days, for one question: until it ends, no rollup that it may read is cleared. None: all are."""
        if not self._mine:
            yield None
            return
        with self._lock:
            ticket, hot = self._tick(), frozenset(self._hot.get(tenant, ()))
            self._readers.add(ticket)
        try:
            yield hot
        finally:
            with self._lock:
                self._readers.discard(ticket)

    @contextmanager
    def writing(self, days: Days) -> Iterator[None]:
        """Keep these days hot while events are written to them. Durable before the first event is."""
        self._check()
        days = list(days)
        with self._lock:
            days = self._widened(days)
            self._heat(days)
            ticket = self._tick()
            self._writers.add(ticket)
            for tenant, day in days:
                self._hot[tenant][day].writing += 1
        try:
            yield
        finally:
            with self._lock:
                for tenant, day in days:
                    heat = self._hot[tenant][day]
                    heat.writing -= 1
                    heat.stamp, heat.touched = self._tick(), time.monotonic()
                self._writers.discard(ticket)

    def roll(self, *, quiet_seconds: float | None = None, of: str | None = None) -> int:
        """Roll up what (of one tenant, if named) has been quiet for so long (default: the setting); how many days."""
        if not self._mine:
            return 0
        with self._rolling:
            quiet = self._quiet_seconds if quiet_seconds is None else quiet_seconds
            return sum(self._roll(tenant, days) for tenant, days in self._due(quiet, of))

    @contextmanager
    def resting(self) -> Iterator[None]:
        """While it lasts, nothing is rolled: what leaves the events and the rollups together is not brought back."""
        self._check()
        with self.changing, self._rolling:
            yield

    def reheat(self, tenant: str) -> None:
        """Read all of a tenant's days from the events again, and roll them anew: after a deletion."""
        self.move(tenant, lambda: None)

    def move(self, tenant: str, change: Callable[[], None]) -> None:
        """Let `change` change a tenant's zone. Questions and writes go on; each is exact in the zone it began with."""
        self._check()
        self._move(tenant, change)

    def _move(self, tenant: str, change: Callable[[], None]) -> None:
        with self._rolling:
            bound = {"tenant": tenant, "zone": self._zone_of(tenant)}
            # a day that gets its first event after this is hot by itself
            known = self._rows(STATE + " having tenant = {tenant:String}", bound)
            days = {row["day"] for row in [*known, *self._rows(DAYS_OF_EVENTS, bound)]}
            with self._lock:
                self._moved[tenant] = time.monotonic()
                self._heat(self._widened([(tenant, day) for day in sorted(days)]))
            change()
            with self._lock:
                self._moved[tenant], now = time.monotonic(), self._tick()
            self._wait_for(self._writers, now)
            self._wait_for(self._readers, now)
            for statement in CLEAR if known else ():
                self._engine.command(statement, {"tenant": tenant}, settings=MUTATION)

    def differences(self, of: str | None = None) -> list[str]:
        """Where a rollup and the events (of one tenant, if named) disagree, in words; empty when they agree."""
        self._check()
        found: list[str] = []
        for tenant in [of] if of is not None else sorted(row["tenant"] for row in self._rows(TENANTS)):
            self.roll(quiet_seconds=0, of=tenant)
            for name in differences():
                with self.reading(tenant) as hot:
                    sealed = self.sealed(tenant)
                    bound = {"tenant": tenant, "zone": self._zone_of(tenant), "hot": sorted(hot or ())}
                    bound |= sealed.bound(sealed.days) if sealed else {}
                    rows = self._rows(differences(sealed)[name], bound)
                    # who it is about is nothing for those who only run Rollbook
                    found += [f"{tenant}: {name} {_nameless(row)}" for row in rows]
        return found

    def _check(self) -> None:
        if not self._mine:
            raise Unavailable("another process writes to this ClickHouse")

    def _load(self) -> None:
        """Read the state; days rolled in another zone than the tenant's present one are all hot again."""
        moved = set()
        for row in self._rows(STATE):
            tenant = row["tenant"]
            self._hot[tenant]
            if not row["rolled"]:
                self._hot[tenant][row["day"]] = _Heat()
            if row["zone"] != self._zone_of(tenant):
                moved.add(tenant)
            self._clock = max(self._clock, row["stamp"])
        for tenant in sorted(moved):
            self._move(tenant, lambda: None)

    def _due(self, quiet_seconds: float, of: str | None) -> list[tuple[str, list[date]]]:
        now = time.monotonic()
        with self._lock:
            due = {
                tenant: sorted(
                    d for d, heat in days.items() if not heat.writing and now - heat.touched >= quiet_seconds
                )
                for tenant, days in self._hot.items()
                if of is None or tenant == of
            }
        return [
            (tenant, days[i : i + MOST_DAYS_AT_ONCE])
            for tenant, days in due.items()
            for i in range(0, len(days), MOST_DAYS_AT_ONCE)
        ]

    def _roll(self, tenant: str, days: list[date]) -> int:
        with self._lock:
            before = {day: heat.stamp for day in days if (heat := self._hot[tenant].get(day)) and not heat.writing}
        if not before:
            return 0
        bound = {
            "tenant": tenant,
            "zone": self._zone_of(tenant),
            "days": sorted(before),
            "utc": utc_days(sorted(before)),
        }
        sealed = self.seals.of(tenant)
        bound |= sealed.bound(before) if sealed else {}
        for statement in fill(sealed):
            self._engine.command(statement, bound, settings={"max_partitions_per_insert_block": 0})
        return self._publish(tenant, before)

    def _publish(self, tenant: str, before: dict[date, int]) -> int:
        """Days that nobody wrote to in the meantime are rolled from now on; the others stay hot."""
        with self._lock:
            heats = self._hot[tenant]
            done = [d for d, stamp in before.items() if not heats[d].writing and heats[d].stamp == stamp]
            for day in done:
                # until the table has taken it, nobody knows which of the two it says
                heats[day].sure = False
            self._mark([(tenant, day) for day in done], rolled=True)
            for day in done:
                del heats[day]
        return len(done)

    def _widened(self, days: list[tuple[str, date]]) -> list[tuple[str, date]]:
        """The days, and those around them where a tenant's zone has changed just now."""
        recent = {tenant for tenant, at in self._moved.items() if time.monotonic() - at < CHANGE_SECONDS}
        if not recent.intersection(tenant for tenant, _ in days):
            return days
        reach = {True: range(-APART, APART + 1), False: range(1)}
        return sorted({(t, day + timedelta(days=n)) for t, day in days for n in reach[t in recent]})

    def _heat(self, days: list[tuple[str, date]]) -> None:
        """Make days hot, in the table before anywhere else."""
        self._mark([(t, day) for t, day in days if day not in self._hot[t] or not self._hot[t][day].sure], rolled=False)
        for tenant, day in days:
            self._hot[tenant].setdefault(day, _Heat(stamp=self._tick())).sure = True

    def _wait_for(self, under_way: set[int], stamp: int) -> None:
        """Until no question (or no write) runs that began before this stamp, and so may go by what was true then."""
        while True:
            with self._lock:
                if not any(began < stamp for began in under_way):
                    return
            time.sleep(0.01)

    def _rows(self, sql: str, bound: Row | None = None) -> list[Row]:
        return self._engine.query(sql, bound, unlimited=True)

    def _mark(self, days: list[tuple[str, date]], *, rolled: bool) -> None:
        if not days:
            return
        rows = [(tenant, day, rolled, self._zone_of(tenant), self._tick()) for tenant, day in days]
        names = ("tenant", "day", "rolled", "zone", "stamp")
        columns = dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))
        columns["day"] = pa.array(columns["day"], pa.date32())
        columns["rolled"] = pa.array(columns["rolled"]).cast(pa.uint8())
        self._engine.insert("rollup_days", pa.table(columns))

    def _tick(self) -> int:
        self._clock += 1
        return self._clock


def _nameless(row: dict[str, Any]) -> dict[str, Any]:
    """A row without the person that it is about."""
    return {name: value for name, value in row.items() if name not in ("user", "person")}
