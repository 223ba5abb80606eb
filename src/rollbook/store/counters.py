"""What became of the events at the way in, counted per tenant, minute and dialect."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import pyarrow as pa

from rollbook.store.engine import Engine, Row

OUTCOMES = ("accepted", "duplicate", "rejected", "late", "withheld", "invalid", "unenriched")

Counts = Mapping[tuple[str, datetime, str, str], int]

READ = """
select minute, dialect, outcome, sum(events) as events from ingest_counters
where tenant = {tenant:String} and minute >= {begin:DateTime('UTC')} and minute <= {until:DateTime('UTC')}
group by minute, dialect, outcome order by minute, dialect, outcome
"""

# late: the way in counts it by the same rule; imports are never late
RECOUNT = """
insert into ingest_counters (tenant, minute, dialect, outcome, events, upto)
select tenant, toStartOfMinute(received) as minute, dialect, outcome, count(), max(received) from (
    select tenant, received, dialect, arrayJoin(if(dialect not like 'import%'
        and dateDiff('millisecond', timestamp, received) > 1000 * {late:UInt32}, ['accepted', 'late'], ['accepted']))
        as outcome
    from events where received > {since:DateTime64(3, 'UTC')}
    union all
    select tenant, received, dialect, 'rejected' as outcome from dead_letters
    where received > {since:DateTime64(3, 'UTC')})
group by tenant, minute, dialect, outcome
"""


def add(engine: Engine, counts: Counts, upto: datetime) -> None:
    """Add counts by (tenant, minute, dialect, outcome); they cover everything received up to `upto`."""
    rows: list[dict[str, Any]] = [
        {"tenant": t, "minute": m, "dialect": d, "outcome": o, "events": n, "upto": upto}
        for (t, m, d, o), n in counts.items()
    ]
    schema = pa.schema(
        [
            ("tenant", pa.string()),
            ("minute", pa.timestamp("s", "UTC")),
            ("dialect", pa.string()),
            ("outcome", pa.string()),
            ("events", pa.uint64()),
            ("upto", pa.timestamp("ms", "UTC")),
        ]
    )
    engine.insert("ingest_counters", pa.Table.from_pylist(rows, schema))


def catch_up(engine: Engine, late_after_seconds: int) -> None:
    """Count from the tables what an unclean stop left uncounted; its last duplicates are lost to the count."""
    since = engine.query("select max(upto) as upto from ingest_counters", unlimited=True)[0]["upto"]
    engine.command(RECOUNT, {"since": since, "late": late_after_seconds})


def read(engine: Engine, tenant: str, begin: datetime, until: datetime) -> list[Row]:
    """Counts of a tenant between two minutes, both included."""
    return engine.query(READ, {"tenant": tenant, "begin": begin, "until": until})
