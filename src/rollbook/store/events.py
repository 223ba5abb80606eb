"""The events table: its columns as Arrow, appending to it, and reading single events back."""

import json
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from rollbook.store.engine import Engine, batches
from rollbook.store.intake.derived import filled

MILLISECONDS = pa.timestamp("ms")

SCHEMA = pa.schema(
    [
        ("tenant", pa.string()),
        ("id", pa.string()),
        ("type", pa.string()),
        ("user", pa.string()),
        ("timestamp", MILLISECONDS),
        ("received", MILLISECONDS),
        ("source", pa.string()),
        ("dialect", pa.string()),
        ("session", pa.string()),
        ("course", pa.string()),
        ("content", pa.string()),
        ("concept", pa.string()),
        ("conversation", pa.string()),
        ("channel", pa.string()),
        ("score", pa.float64()),
        ("duration", pa.float64()),
        ("properties", pa.string()),
    ]
)

MOST_MONTHS_AT_ONCE = 50
OPTIONAL = ("source", "session", "course", "content", "concept", "conversation", "channel")
WORTH_A_LOOK = 500
# where the way in writes what is wrong with an event: the column `invalid` follows it
MARK = '"problems":'


def append(engine: Engine, rows: pa.Table, *, marked: bool = True, tenants: Collection[str] | None = None) -> None:
    """Add events (columns as in SCHEMA). Durable and visible when it returns; raises Unavailable, perhaps after a part.

    Too many months at once are an error to ClickHouse, so that many go in several inserts. `marked`: some may be marked
    as invalid, which takes a look at all of them. `tenants`: whose they are, where the caller knows it.
    """
    rows = _marked(rows) if marked else rows
    span = pc.min_max(rows.column("timestamp")).as_py()
    if span["max"] - span["min"] < timedelta(days=28 * (MOST_MONTHS_AT_ONCE - 1)):
        engine.insert("events", filled(_lean(rows)), tenants=tenants)
        return
    month_of = rows.column("timestamp").to_numpy().astype("datetime64[M]")
    months = np.unique(month_of)
    for start in range(0, len(months), MOST_MONTHS_AT_ONCE):
        chosen = np.isin(month_of, months[start : start + MOST_MONTHS_AT_ONCE])
        engine.insert("events", filled(_lean(rows.filter(pa.array(chosen)))), tenants=tenants)


def _marked(rows: pa.Table) -> pa.Table:
    """The rows; where any of them are marked as invalid, with a column that says so."""
    likely = pc.match_substring(rows["properties"], MARK)
    if not pc.any(likely).as_py():
        return rows
    told = zip(likely.to_pylist(), rows["properties"].to_pylist(), strict=True)
    return rows.append_column("invalid", pa.array([int(may and _is_marked(text)) for may, text in told], pa.uint8()))


def _is_marked(properties: str) -> bool:
    context = json.loads(properties).get("context")
    return isinstance(context, dict) and "problems" in context


def _lean(rows: pa.Table) -> pa.Table:
    """The rows without the columns that hold nothing: ClickHouse fills those in for less."""
    if len(rows) < WORTH_A_LOOK:
        return rows
    return rows.drop_columns([name for name in OPTIONAL if not pc.max(pc.binary_length(rows[name])).as_py()])


def stored_keys(engine: Engine, keys: Sequence[tuple[str, str]], since: datetime) -> set[tuple[str, str]]:
    """Which of these (tenant, id) are in the table, received at or after `since`: what a torn insert left behind."""
    sql = """
    select tenant, id from events
    where tenant in {tenants:Array(String)} and received >= {since:DateTime64(3, 'UTC')} and id in {ids:Array(String)}
    """
    tenants = sorted({tenant for tenant, _ in keys})
    found: set[tuple[str, str]] = set()
    for ids in batches([key for _, key in keys]):
        rows = engine.query(sql, {"tenants": tenants, "since": since, "ids": ids}, unlimited=True)
        found.update((row["tenant"], row["id"]) for row in rows)
    return found.intersection(keys)


def any_of(engine: Engine, tenant: str) -> bool:
    """Whether a tenant has events."""
    sql = "select 1 as one from events where tenant = {tenant:String} limit 1"
    return bool(engine.query(sql, {"tenant": tenant}, unlimited=True))


def inserting(engine: Engine) -> bool:
    """Whether an insert into the table still runs: a server goes on with one whose client has given up."""
    sql = """
    select count() as running from system.processes
    where query_kind = 'Insert' and current_database = currentDatabase()
      and match(query, '(?i)^[[:space:]]*insert[[:space:]]+into[[:space:]]+[^[:space:](]*events[`[:space:](]')
    """
    return not engine.embedded and bool(engine.query(sql, unlimited=True)[0]["running"])


def last_received(engine: Engine) -> datetime | None:
    """When the newest event came in, of those that have expired too; None if there is none."""
    sql = """
    select max(received) as last, count() as n from (
        select max(received) as received from events having count() > 0
        union all select max(upto) as received from seals having count() > 0)
    """
    rows = engine.query(sql, unlimited=True)
    return rows[0]["last"] if rows[0]["n"] else None
