"""The audit table: appending lines, reading chains, listing and counting, expiry, and what a crash took."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import pyarrow as pa

from rollbook.store.engine import Engine, Row, batches

COLUMNS = (
    "tenant, chain, number, at, action, what, actor, credential, person, address, why, detail, received, recovered,"
    " key, previous, hash"
)
_OTHERS = {
    "number": pa.uint64(),
    "at": pa.timestamp("ms", "UTC"),
    "received": pa.timestamp("ms", "UTC"),
    "recovered": pa.uint8(),
}
_SCHEMA = pa.schema([(name, _OTHERS.get(name, pa.string())) for name in COLUMNS.split(", ")])

MIGRATION = 4

TAIL = """
select number, hash, at from audit where tenant = {tenant:String} and chain = {chain:String}
order by tenant desc, chain desc, number desc limit 1
"""

HASH = """
select hash from audit where tenant = {tenant:String} and chain = {chain:String} and number = {number:UInt64} limit 1
"""

CHAINS = """
select tenant, chain, count() as lines from audit where {tenant:String} = '' or tenant = {tenant:String}
group by tenant, chain order by tenant, chain
"""

READ = f"""
select {COLUMNS} from audit
where tenant = {{tenant:String}} and chain = {{chain:String}} and number >= {{begin:UInt64}}
order by number limit {{limit:UInt64}}
"""

WHICH = """
where tenant = {tenant:String}
  and at >= {begin:DateTime64(3, 'UTC')} and at <= {until:DateTime64(3, 'UTC')}
  and (empty({actions:Array(String)}) or action in {actions:Array(String)})
  and (empty({actors:Array(String)}) or actor in {actors:Array(String)})
  and (empty({persons:Array(String)}) or person in {persons:Array(String)})
"""

LISTED = f"select {COLUMNS} from audit {WHICH} order by at desc, chain desc, number desc limit {{limit:UInt32}}"

# an export or a list of a whole tenant or course names nobody, and may hold everybody
DISCLOSED = f"""
select {COLUMNS} from audit
where tenant = {{tenant:String}}
  and at >= {{begin:DateTime64(3, 'UTC')}} and at <= {{until:DateTime64(3, 'UTC')}}
  and (action in ('read', 'export', 'report', 'directory')
          and person in {{persons:Array(String)}} and actor not in {{persons:Array(String)}}
       or (action in ('export', 'report') or action = 'read' and not match(what, '/api/v2/(audit|keys|tenants)'))
          and person = '' and actor not in {{persons:Array(String)}})
order by at desc, chain desc, number desc limit {{limit:UInt32}}
"""

COUNTED = f"""
select toDate(at) as day, action, actor, credential, count() as lines from audit {WHICH}
group by day, action, actor, credential order by day desc, lines desc, action, actor, credential limit {{limit:UInt32}}
"""

REFUSED = f"""
select actor, credential, what, count() as lines, max(at) as last, argMax(address, at) as address from audit {WHICH}
group by actor, credential, what order by lines desc, last desc, actor, what limit {{limit:UInt32}}
"""

# since when ingest lines may be missing: the newest there is; before the table was made there were none
SINCE = """
select greatest(
    (select max(received) from audit where action = 'ingest'),
    (select max(applied) from migrations where number = {migration:UInt32}),
    {earliest:DateTime64(3, 'UTC')}) as since
"""

LOST = """
select tenant, dialect, received, count() as events from events where received > {since:DateTime64(3, 'UTC')}
group by tenant, dialect, received order by received, tenant, dialect
"""

OLD_MONTHS = """
select toYYYYMM(at) as month from audit group by month having max(at) < {before:DateTime64(3, 'UTC')} order by month
"""

ENDS = """
select tenant, chain, max(audit.number) as number, argMax(audit.hash, audit.number) as hash, count() as lines from audit
where toYYYYMM(at) in {months:Array(UInt32)} group by tenant, chain order by tenant, chain
"""


def append(engine: Engine, rows: Sequence[Mapping[str, Any]]) -> None:
    """Add lines of one month: all of them, or none. Raises Unavailable, perhaps after all."""
    engine.insert("audit", pa.Table.from_pylist(list(rows), _SCHEMA))


def tail(engine: Engine, tenant: str, chain: str) -> Row | None:
    """The last line of a chain: `number, hash, at`; None: it has none."""
    found = engine.query(TAIL, {"tenant": tenant, "chain": chain}, unlimited=True)
    return found[0] if found else None


def hash_of(engine: Engine, tenant: str, chain: str, number: int) -> str | None:
    """The hash that stands in a line; None: it is not there."""
    found = engine.query(HASH, {"tenant": tenant, "chain": chain, "number": number}, unlimited=True)
    return found[0]["hash"] if found else None


def chains(engine: Engine, tenant: str | None) -> list[Row]:
    """The chains of a tenant (None: of all): `tenant, chain, lines`."""
    return engine.query(CHAINS, {"tenant": tenant or ""}, unlimited=True)


def read(engine: Engine, tenant: str, chain: str, begin: int, limit: int) -> Iterator[Row]:
    """The lines of a chain from number `begin` on, in order, in bounded memory."""
    bound = {"tenant": tenant, "chain": chain, "begin": begin, "limit": limit}
    names = COLUMNS.split(", ")
    for block in engine.stream(READ, bound, unlimited=True):
        for values in block:
            yield dict(zip(names, values, strict=True))


def listed(engine: Engine, which: Row, limit: int) -> list[Row]:
    """The newest lines of those that `which` names: `tenant, begin, until, actions, actors, persons`; empty: all."""
    return engine.query(LISTED, which | {"limit": limit})


def disclosed(engine: Engine, which: Row, limit: int) -> list[Row]:
    """The newest lines that show somebody else the data of `persons`, or the whole tenant's."""
    return engine.query(DISCLOSED, which | {"limit": limit})


def counted(engine: Engine, which: Row, limit: int) -> list[Row]:
    """How many lines there are by day, action, actor and credential."""
    return engine.query(COUNTED, which | {"limit": limit})


def refused(engine: Engine, which: Row, limit: int) -> list[Row]:
    """Who was refused what, how often, when last and from where."""
    return engine.query(REFUSED, which | {"actions": ["refused"], "limit": limit})


def noted_upto(engine: Engine, earliest: datetime) -> datetime:
    """Everything received up to this moment has its ingest lines; never before `earliest`."""
    found = engine.query(SINCE, {"migration": MIGRATION, "earliest": earliest}, unlimited=True)
    since: datetime = found[0]["since"]
    return since


def lost(engine: Engine, since: datetime) -> Iterator[list[Row]]:
    """What came in after a moment, by group, tenant and dialect: `tenant, dialect, received, events`."""
    for block in engine.stream(LOST, {"since": since}, unlimited=True):
        yield [dict(zip(("tenant", "dialect", "received", "events"), values, strict=True)) for values in block]


def old_months(engine: Engine, before: datetime) -> list[int]:
    """The months (202603) all of whose lines are older."""
    return [row["month"] for row in engine.query(OLD_MONTHS, {"before": before}, unlimited=True)]


def ends(engine: Engine, months: Sequence[int]) -> list[Row]:
    """The last line of each chain within these months: `tenant, chain, number, hash`, and how many `lines`."""
    return engine.query(ENDS, {"months": list(months)}, unlimited=True)


def drop_month(engine: Engine, month: int) -> None:
    """Remove the lines of a month."""
    engine.command("alter table audit drop partition {month:UInt32}", {"month": month})


def in_use(engine: Engine, digests: Sequence[str]) -> set[str]:
    """Those of these digests that a line holds."""
    sql = """
    select distinct arrayJoin([actor, person, address]) as digest from audit
    where digest in {digests:Array(String)}
    """
    found: set[str] = set()
    for some in batches(digests):
        found.update(row["digest"] for row in engine.query(sql, {"digests": some}, unlimited=True))
    return found
