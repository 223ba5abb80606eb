"""Raw events of whole days: found by age, read in bounded memory, kept as the rollups need them, and deleted."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import pyarrow as pa

from rollbook.store import events
from rollbook.store.engine import Engine, Row
from rollbook.store.expiry.sealed import Sealed, counts
from rollbook.store.intake.layouts import change
from rollbook.store.scope import MILLISECOND, utc_days

MINUTE = timedelta(minutes=1)
PAGE = 200_000
MUTATION = {"mutations_sync": 2, "lightweight_deletes_sync": 2}

_EVENTS = """
from events
where tenant = {tenant:String} and toDate(timestamp) in {utc:Array(Date)}
  and toDate(timestamp, {zone:String}) in {days:Array(Date)} and received <= {upto:DateTime64(3, 'UTC')}
"""

DUE = """
select toDate(timestamp, {zone:String}) as day, count() as events, min(received) as first, max(received) as last
from events where tenant = {tenant:String}
group by day having last <= {upto:DateTime64(3, 'UTC')} order by day
"""
TENANTS = "select distinct tenant from events where received <= {upto:DateTime64(3, 'UTC')} order by tenant"
OF_USERS = """
select distinct toDate(timestamp, {zone:String}) as day from events
where tenant = {tenant:String} and user in {users:Array(String)}
"""
UNLINKED = "a1_"
LINKED = """
select distinct toDate(timestamp, {zone:String}) as day from events
where tenant = {tenant:String} and user != '' and not startsWith(user, 'a1_')
"""
SUMMARY = (
    "select count() as rows, min(received) as first, max(received) as last,"
    " toString(sum(reinterpretAsUInt128(murmurHash3_128(concat(tenant, '\x1f', id))))) as keys" + _EVENTS
)
BY_MINUTE = (
    "select toStartOfMinute(timestamp) as minute, count() as events" + _EVENTS + "group by minute order by minute"
)
ROWS = (
    f"select {', '.join(events.SCHEMA.names)}"
    + _EVENTS
    + """and timestamp >= {begin:DateTime64(3, 'UTC')} and timestamp <= {until:DateTime64(3, 'UTC')}
order by user, timestamp
"""
)
IDS = "select id" + _EVENTS

KEEP = (
    "insert into sealed_activity (tenant, day, course, user, type, events, seconds, first, last, received, upto)"
    " select tenant, toDate(timestamp, {zone:String}) as day, course, user, type, count(), sum(ifNull(duration, 0)),"
    " min(timestamp), max(timestamp), max(received), {upto:DateTime64(3, 'UTC')}" + _EVENTS
    + "group by tenant, day, course, user, type"
)  # fmt: skip
# what never came to count, or counts no more: of an expiry that was killed, of days that were restored or forgotten
PURGE = """
delete from sealed_activity
where tenant = {tenant:String} and day in {days:Array(Date)} and not (%s)
""" % counts()  # noqa: UP031
ROLLED = """
select toInt64(sum(n)) as too_many from (
    select events as n from activity where tenant = {tenant:String} and day in {days:Array(Date)}
    union all select -events as n from sealed_activity where tenant = {tenant:String} and %s
    union all select -1 as n from events where tenant = {tenant:String} and toDate(timestamp) in {utc:Array(Date)}
      and toDate(timestamp, {zone:String}) in {days:Array(Date)})
""" % counts()  # noqa: UP031
DELETE = "delete" + _EVENTS
KEPT_TO_FORGET = """
select day, max(received) as last, uniqExact(user) as users from sealed_activity
where tenant = {tenant:String} group by day having last <= {upto:DateTime64(3, 'UTC')} order by day
"""
KEPT_USERS = """
select distinct day from sealed_activity where tenant = {tenant:String} and user in {users:Array(String)}
"""
MASKED = """
select count() as n from system.parts
where database = currentDatabase() and table = {table:String} and active and has_lightweight_delete
"""


@dataclass(frozen=True, slots=True)
class Due:
    """Whole days of a tenant, in a zone: their events received up to `upto`."""

    tenant: str
    zone: str
    upto: datetime
    days: tuple[date, ...]

    def bound(self) -> Row:
        """What the SQL binds."""
        days = sorted(self.days)
        return {"tenant": self.tenant, "zone": self.zone, "upto": self.upto, "days": days, "utc": utc_days(days)}


class Raw:
    """The raw events, for those who expire them and bring them back."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def tenants(self, upto: datetime) -> list[str]:
        """Who has events received up to then."""
        return [row["tenant"] for row in self._rows(TENANTS, {"upto": upto})]

    def due(self, tenant: str, zone: str, upto: datetime) -> list[Row]:
        """Days all of whose events were received up to then: `day, events, first, last`."""
        return self._rows(DUE, {"tenant": tenant, "zone": zone, "upto": upto})

    def days_of(self, tenant: str, zone: str, users: Sequence[str]) -> set[date]:
        """The days of which there are events of some users, or of which something is kept of them."""
        bound = {"tenant": tenant, "zone": zone, "users": list(users)}
        kept = self._rows(KEPT_USERS, {"tenant": tenant, "users": list(users)})
        return {row["day"] for row in [*self._rows(OF_USERS, bound), *kept]}

    def linked(self, tenant: str, zone: str) -> set[date]:
        """Days of which there are events of somebody whose id was not replaced for good."""
        return {row["day"] for row in self._rows(LINKED, {"tenant": tenant, "zone": zone})}

    def summary(self, due: Due) -> Row:
        """`rows, first, last` (received) and `keys`, the sum of their 128-bit keys, as text."""
        return self._rows(SUMMARY, due.bound())[0]

    def blocks(self, due: Due) -> Iterator[pa.Table]:
        """The events, columns as in the events table, in order of time, a page at a time."""
        held, begin, last = 0, None, None
        for row in [*self._rows(BY_MINUTE, due.bound()), None]:
            if begin is not None and last is not None and (row is None or held + row["events"] > PAGE):
                yield self._between(due, begin, last + MINUTE - MILLISECOND)
                held, begin = 0, None
            if row is not None:
                held, begin, last = held + row["events"], begin or row["minute"], row["minute"]

    def ids(self, due: Due) -> set[str]:
        """The ids of the events that are there."""
        return {row["id"] for row in self._rows(IDS, due.bound())}

    def keep(self, due: Due, sealed: Sealed) -> None:
        """Keep what the rollups know of the events; it counts once the days are sealed up to `upto`."""
        self.purge(due, sealed)
        self._engine.command(KEEP, due.bound(), settings={"max_partitions_per_insert_block": 0})

    def purge(self, due: Due, sealed: Sealed) -> None:
        """Remove what is kept of these days and does not count."""
        bound = {"tenant": due.tenant, "days": list(due.days)} | _sealed(sealed, due.days)
        self._engine.command(PURGE, bound, settings=MUTATION)

    def excess(self, due: Due, sealed: Sealed) -> int:
        """By how many events the rollup of the days exceeds the events and what is kept; 0, as it must be."""
        bound = due.bound() | _sealed(sealed, due.days)
        bound.pop("upto")
        found: int = self._rows(ROLLED, bound)[0]["too_many"]
        return found

    def delete(self, due: Due) -> None:
        """Delete the events; they are off the disk at `clean`, or when their parts are merged."""
        change(self._engine, DELETE, due.bound(), settings=MUTATION)

    def clean(self) -> None:
        """Write those parts anew in which deleted rows still lie."""
        for table in ("events", "sealed_activity"):
            if self._rows(MASKED, {"table": table})[0]["n"]:
                self._engine.command(f"alter table {table} apply deleted mask", settings=MUTATION)

    def kept_until(self, tenant: str, upto: datetime) -> list[date]:
        """Days of which all that is kept was received up to then."""
        return [row["day"] for row in self._rows(KEPT_TO_FORGET, {"tenant": tenant, "upto": upto})]

    def _between(self, due: Due, begin: datetime, until: datetime) -> pa.Table:
        block = self._engine.query_arrow(ROWS, due.bound() | {"begin": begin, "until": until})
        return as_stored(block)

    def _rows(self, sql: str, bound: Row) -> list[Row]:
        return self._engine.query(sql, bound, unlimited=True)


def as_stored(block: pa.Table) -> pa.Table:
    """A block with the columns and types of the events table."""
    return pa.table({name: block[name] for name in events.SCHEMA.names}).cast(events.SCHEMA)


def _sealed(sealed: Sealed, days: Iterable[date]) -> Row:
    names = ("sealed_days", "sealed_upto")
    return {name: value for name, value in sealed.bound(days).items() if name in names}
