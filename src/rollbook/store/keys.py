"""The keys of events seen: a hash of tenant and id, kept for the window in which a duplicate is recognised."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta

import mmh3

from rollbook.store.engine import Engine

SEPARATOR = "\x1f"
MOST_IN_A_STEP = 500_000
MOST_AT_ONCE = 2_000

FILL = """
insert into event_keys (h, received)
select reinterpretAsUInt128(murmurHash3_128(concat(tenant, '\x1f', id))), received from events
where received > {since:DateTime64(3, 'UTC')} and received <= {until:DateTime64(3, 'UTC')}
"""

RECEIVED = """
select received, count() as events from events
where received > {since:DateTime64(3, 'UTC')} and received <= {until:DateTime64(3, 'UTC')}
group by received order by received
"""

# one part, so that a step is there whole or not at all
AT_ONCE = {"max_insert_threads": 1, "min_insert_block_size_rows": 4_000_000, "min_insert_block_size_bytes": 0}


def key_of(tenant: str, event_id: str) -> bytes:
    """The 16 bytes of an event's key; equal for the same tenant and id, else different for all that matters."""
    return mmh3.hash_bytes(f"{tenant}{SEPARATOR}{event_id}")


def keys_of(tenant: str, event_ids: Iterable[str]) -> list[bytes]:
    """The keys of a tenant's events, in less time than one by one."""
    start = tenant + SEPARATOR
    return [mmh3.hash_bytes(start + event_id) for event_id in event_ids]


def number_of(key: bytes) -> int:
    """A key as the table holds it: unsigned, of 128 bits."""
    return int.from_bytes(key, "little")


def watermark(engine: Engine) -> datetime | None:
    """Keys of events received up to here are in the table; None: of none."""
    rows = engine.query("select max(received) as last, count() as n from event_keys", unlimited=True)
    return rows[0]["last"] if rows[0]["n"] else None


def fill(engine: Engine, since: datetime, until: datetime) -> None:
    """Add the keys of the events received after `since`, up to `until`, oldest first and in steps that go in whole.

    So whatever is killed when, everything up to the watermark is in the table. Doing it twice does no harm.
    """
    for start, end in _steps(engine, since, until):
        engine.command(FILL, {"since": start, "until": end}, settings=AT_ONCE)


def _steps(engine: Engine, since: datetime, until: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Spans of time of one month each (a partition), and of no more events than go into one part."""
    held, start, last = 0, since, None
    for row in engine.query(RECEIVED, {"since": since, "until": until}, unlimited=True):
        other_month = last is not None and (last.year, last.month) != (row["received"].year, row["received"].month)
        if last is not None and (other_month or held + row["events"] > MOST_IN_A_STEP):
            yield start, last
            held, start = 0, last
        held, last = held + row["events"], row["received"]
    if last is not None:
        yield start, last


def catch_up(engine: Engine, window_days: int) -> None:
    """Add what an unclean stop left out: everything received since the watermark, within the window."""
    rows = engine.query("select max(received) as last, count() as n from events", unlimited=True)
    if rows[0]["n"]:
        oldest = rows[0]["last"] - timedelta(days=window_days)
        fill(engine, max(oldest, watermark(engine) or oldest), rows[0]["last"])


def known(engine: Engine, keys: Sequence[int], since: datetime) -> set[int]:
    """Which of these keys were received at or after `since`."""
    sql = "select h from event_keys where h in {keys:Array(UInt128)} and received >= {since:DateTime64(3, 'UTC')}"
    found: set[int] = set()
    for start in range(0, len(keys), MOST_AT_ONCE):
        bound = {"keys": list(keys[start : start + MOST_AT_ONCE]), "since": since}
        rows = engine.query(sql, bound, unlimited=True)
        found.update(row["h"] for row in rows)
    return found


def since(engine: Engine, start: datetime) -> Iterator[list[bytes]]:
    """All keys received at or after `start` as bytes, block by block."""
    sql = "select reinterpretAsFixedString(h) as key from event_keys where received >= {since:DateTime64(3, 'UTC')}"
    for block in engine.stream(sql, {"since": start}, unlimited=True):
        yield [row[0] for row in block]


def expire(engine: Engine, before: datetime) -> None:
    """Forget the keys of whole months that lie before the window."""
    sql = """
    select distinct partition_id as p from system.parts
    where database = currentDatabase() and table = 'event_keys' and active
    """
    for row in engine.query(sql, unlimited=True):
        if row["p"] < before.strftime("%Y%m"):
            engine.command(f"alter table event_keys drop partition id '{int(row['p'])}'")
