"""Rollups: activity, learner_days and people, a day at a time from the events.

A day that receives an event turns hot before the event is written, durably; a hot day is read from the events. Once it
has been quiet for a while it is rolled up and read from the rollups again. So a rollup never disagrees with the
events, whatever is killed when: there is nothing to repair, only something left to roll.
"""

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Set
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date

import pyarrow as pa

from rollbook.store.engine import Engine
from rollbook.store.rollup_sql import CLEAR, DAYS_OF_EVENTS, DIFFERENCES, FILL, HOLDS, STATE
from rollbook.store.scope import utc_days

Days = Iterable[tuple[str, date]]

MOST_DAYS_AT_ONCE = 60


@dataclass(slots=True)
class _Heat:
    """Why a day is hot: how many writes are under way, and when the last one ended."""

    writing: int = 0
    stamp: int = 0
    touched: float = field(default_factory=time.monotonic)


class Rollups:
    """Which days are hot, and the way to roll them. One writer per store; any number of readers."""

    def __init__(self, engine: Engine, zone_of: Callable[[str], str], quiet_seconds: float) -> None:
        self._engine = engine
        self._zone_of = zone_of
        self._quiet_seconds = quiet_seconds
        self._lock = threading.Lock()
        self._rolling = threading.Lock()
        self._hot: dict[str, dict[date, _Heat]] = defaultdict(dict)
        self._readers: dict[int, int] = {}
        self._clock = 0
        self._load()

    def hot(self, tenant: str) -> Set[date]:
        """The days of a tenant whose rollups are not to be read now."""
        with self._lock:
            return frozenset(self._hot.get(tenant, ()))

    @contextmanager
    def reading(self, tenant: str) -> Iterator[Set[date]]:
        """The hot days, for one question: until it ends, no rollup that it may read is cleared."""
        with self._lock:
            self._clock += 1
            ticket, hot = self._clock, frozenset(self._hot.get(tenant, ()))
            self._readers[ticket] = ticket
        try:
            yield hot
        finally:
            with self._lock:
                del self._readers[ticket]

    @contextmanager
    def writing(self, days: Days) -> Iterator[None]:
        """Keep these days hot while events are written to them. Durable before the first event is."""
        days = list(days)
        with self._lock:
            fresh = [(tenant, day) for tenant, day in days if day not in self._hot[tenant]]
            if fresh:
                self._mark(fresh, rolled=False)
            for tenant, day in days:
                heat = self._hot[tenant].setdefault(day, _Heat(stamp=self._tick()))
                heat.writing += 1
        try:
            yield
        finally:
            with self._lock:
                for tenant, day in days:
                    heat = self._hot[tenant][day]
                    heat.writing -= 1
                    heat.stamp, heat.touched = self._tick(), time.monotonic()

    def roll(self, *, quiet_seconds: float | None = None) -> int:
        """Roll up what has been quiet for so long (default: the setting); how many days were rolled."""
        with self._rolling:
            quiet = self._quiet_seconds if quiet_seconds is None else quiet_seconds
            return sum(self._roll(tenant, days) for tenant, days in self._due(quiet))

    def reheat(self, tenant: str) -> None:
        """Read all of a tenant's days from the events again, and roll them anew: after a deletion, or in a new zone."""
        zone = self._zone_of(tenant)
        days = [row["day"] for row in self._engine.query(DAYS_OF_EVENTS, {"tenant": tenant, "zone": zone})]
        with self._rolling:
            with self._lock:
                known = self._engine.query(STATE + " having tenant = {tenant:String}", {"tenant": tenant})
                self._mark([(tenant, d) for d in {*days, *(row["day"] for row in known)}], rolled=False)
                for day in days:
                    self._hot[tenant].setdefault(day, _Heat()).stamp = self._tick()
            self._wait_for_readers(self._tick())
            for statement in CLEAR.everything:
                self._engine.command(statement, {"tenant": tenant}, settings={"mutations_sync": 1})

    def differences(self) -> list[str]:
        """Where a rollup and the events disagree, in words; empty when they agree, as they must."""
        found = []
        for tenant in sorted(self._hot):
            self.roll(quiet_seconds=0)
            for name, sql in DIFFERENCES.items():
                with self.reading(tenant) as hot:
                    rows = self._engine.query(
                        sql, {"tenant": tenant, "zone": self._zone_of(tenant), "hot": sorted(hot), "utc": utc_days(sorted(hot))}
                    )
                found += [f"{tenant}: {name} {row}" for row in rows]
        return found

    def _load(self) -> None:
        """Read the state; days rolled in another zone than the tenant's present one are all hot again."""
        moved = set()
        for row in self._engine.query(STATE):
            tenant = row["tenant"]
            self._hot[tenant]
            if not row["rolled"]:
                self._hot[tenant][row["day"]] = _Heat()
            if row["zone"] != self._zone_of(tenant):
                moved.add(tenant)
            self._clock = max(self._clock, row["stamp"])
        for tenant in sorted(moved):
            self.reheat(tenant)

    def _due(self, quiet_seconds: float) -> list[tuple[str, list[date]]]:
        now = time.monotonic()
        with self._lock:
            due = {
                tenant: sorted(d for d, heat in days.items() if not heat.writing and now - heat.touched >= quiet_seconds)
                for tenant, days in self._hot.items()
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
        if self._engine.query(HOLDS, bound):
            self._wait_for_readers(min(before.values()))
            for statement in CLEAR.days:
                self._engine.command(statement, bound, settings={"mutations_sync": 1})
        for statement in FILL:
            self._engine.command(statement, bound, settings={"max_partitions_per_insert_block": 0})
        return self._publish(tenant, before)

    def _publish(self, tenant: str, before: dict[date, int]) -> int:
        """Days that nobody wrote to in the meantime are rolled from now on; the others stay hot."""
        with self._lock:
            heats = self._hot[tenant]
            done = [d for d, stamp in before.items() if not heats[d].writing and heats[d].stamp == stamp]
            if done:
                self._mark([(tenant, day) for day in done], rolled=True)
            for day in done:
                del heats[day]
        return len(done)

    def _wait_for_readers(self, stamp: int) -> None:
        """Until no question runs that began before this stamp, and so may still read a rollup of then."""
        while True:
            with self._lock:
                if not any(began < stamp for began in self._readers.values()):
                    return
            time.sleep(0.01)

    def _mark(self, days: Days, *, rolled: bool) -> None:
        rows = [(tenant, day, rolled, self._zone_of(tenant), self._tick()) for tenant, day in days]
        names = ("tenant", "day", "rolled", "zone", "stamp")
        columns = dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))
        columns["day"] = pa.array(columns["day"], pa.date32())
        columns["rolled"] = pa.array(columns["rolled"]).cast(pa.uint8())
        self._engine.insert("rollup_days", pa.table(columns))

    def _tick(self) -> int:
        self._clock += 1
        return self._clock
