"""Seals: the table that says which days' events are gone; one insert of it is the moment at which they go."""

import time
from collections.abc import Iterable
from datetime import date, datetime
from enum import IntEnum

import pyarrow as pa

from rollbook.store.engine import Engine, Row
from rollbook.store.expiry.sealed import NOTHING_SEALED, Leaving, Sealed

READ = """
select tenant, day, argMax(zone, s.stamp) as zone, argMax(upto, s.stamp) as upto, argMax(state, s.stamp) as state,
       max(s.stamp) as stamp
from seals as s where {tenant:String} = '' or tenant = {tenant:String}
group by tenant, day having state > 0 order by tenant, day
"""
STAMP = "select max(stamp) as stamp from seals"

SCHEMA = pa.schema(
    [
        ("tenant", pa.string()),
        ("day", pa.date32()),
        ("zone", pa.string()),
        ("upto", pa.timestamp("ms", "UTC")),
        ("state", pa.uint8()),
        ("stamp", pa.uint64()),
    ]
)


class State(IntEnum):
    """What is true of a day: see the table `seals`."""

    OPEN = 0
    LEAVING = 1
    GONE = 2
    FORGOTTEN = 3


class Seals:
    """The seals of all tenants. Only the writer of the store changes them."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._known: dict[str, Sealed] = {}
        self._stamp = 0

    def load(self) -> None:
        """Read them all."""
        self._stamp = self._engine.query(STAMP, unlimited=True)[0]["stamp"]
        rows: dict[str, list[Row]] = {}
        for row in self._engine.query(READ, {"tenant": ""}, unlimited=True):
            rows.setdefault(row["tenant"], []).append(row)
        self._known = {tenant: _sealed(found) for tenant, found in rows.items()}

    def of(self, tenant: str) -> Sealed:
        """A tenant's, as this process knows them."""
        return self._known.get(tenant, NOTHING_SEALED)

    def read(self, tenant: str) -> Sealed:
        """A tenant's, as the table has them: for processes that are not the writer."""
        return _sealed(self._engine.query(READ, {"tenant": tenant}, unlimited=True))

    def in_state(self, tenant: str, state: State) -> list[Row]:
        """The days of a tenant in a state: `day, zone, upto`."""
        rows = self._engine.query(READ, {"tenant": tenant}, unlimited=True)
        return [row for row in rows if row["state"] == state]

    def tenants(self) -> list[str]:
        """Those that have seals."""
        return sorted(self._known)

    def put(self, tenant: str, days: Iterable[date], zone: str, upto: datetime, state: State) -> None:
        """Change the state of some days: of all, or of none. Raises Unavailable; then read them again before more."""
        self._stamp = max(self._stamp + 1, time.time_ns())
        rows = [
            {"tenant": tenant, "day": day, "zone": zone, "upto": upto, "state": int(state), "stamp": self._stamp}
            for day in sorted(days)
        ]
        if rows:
            self._engine.insert("seals", pa.Table.from_pylist(rows, SCHEMA))
            self._known[tenant] = self.read(tenant)


def _sealed(rows: list[Row]) -> Sealed:
    """What the rows of one tenant say. Of what is leaving there is never more than one zone and moment."""
    days = {row["day"]: row["upto"] for row in rows if row["state"] in (State.LEAVING, State.GONE)}
    going = [row for row in rows if row["state"] == State.LEAVING]
    leaving = Leaving(going[0]["zone"], going[0]["upto"], tuple(row["day"] for row in going)) if going else None
    return Sealed(days, leaving)
