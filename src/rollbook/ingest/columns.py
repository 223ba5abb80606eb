"""Events as Arrow columns, the form in which they are stored; and the calendar days they fall on."""

import itertools
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from rollbook.event import Event, Promoted
from rollbook.ingest.batch import Batch
from rollbook.store import events as table
from rollbook.store import keys

QUARTER_MS = 900_000  # every zone's midnight falls on a quarter of an hour in UTC
DAY_MS = 86_400_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# making a table costs as much as filling in the rows of some hundred events
LARGE_BATCH = 200


def rows_of(batches: Sequence[Batch], stamp: datetime) -> pa.Table:
    """The events of several batches, in order; columns as in the events table."""
    tables = []
    for is_large, neighbours in itertools.groupby(batches, lambda batch: batch.rows is not None):
        found = list(neighbours)
        tables += [batch.rows for batch in found] if is_large else [_table(found)]
    return restamped(tables, stamp)


def tabulate(batch: Batch) -> None:
    """Make the rows of a large batch at once, while others are being committed; small ones are made together later."""
    if len(batch.events) >= LARGE_BATCH:
        batch.rows = _table([batch])


def _table(batches: Sequence[Batch]) -> pa.Table:
    """The rows of some batches; the time of receipt is still to come."""
    events: list[Event] = [event for batch in batches for event in batch.events]
    found: list[Promoted] = [promoted for batch in batches for promoted in batch.promoted]
    columns = {
        "tenant": pa.array([e.tenant for e in events], pa.string()),
        "id": pa.array([e.id for e in events], pa.string()),
        "type": pa.array([e.type for e in events], pa.string()),
        "user": pa.array([e.user or "" for e in events], pa.string()),
        "timestamp": _moments([e.timestamp for e in events]),
        "received": pa.nulls(len(events), table.MILLISECONDS),
        "source": _texts([e.source for e in events]),
        "dialect": _dialects(batches),
        "session": _texts([p.session_id for p in found]),
        "course": _texts([p.course_id for p in found]),
        "content": _texts([p.content_id or p.material_id for p in found]),
        "concept": _texts([p.concept_id for p in found]),
        "conversation": _texts([p.conversation_id for p in found]),
        "channel": _texts([p.channel for p in found]),
        "score": pa.array([p.score for p in found], pa.float64()),
        "duration": pa.array([p.duration for p in found], pa.float64()),
        "properties": pa.array([text for batch in batches for text in batch.properties], pa.binary()).cast(pa.string()),
    }
    return pa.table(columns, schema=table.SCHEMA)


def _moments(values: Sequence[datetime | None]) -> pa.Array:
    """A column of times, to the millisecond below. Arrow takes six times as long over times as over durations."""
    since = pa.array([value and value - EPOCH for value in values], pa.duration("us"))
    return pc.floor_temporal(since.view(pa.timestamp("us")), unit="millisecond").cast(table.MILLISECONDS)


def _texts(values: list[str | None]) -> pa.Array:
    """A column of texts. Most are empty throughout, and cost next to nothing then."""
    if any(values):
        return pa.array([value or "" for value in values], pa.string())
    return pa.repeat("", len(values))


def _dialects(batches: Sequence[Batch]) -> pa.Array:
    if len({batch.dialect.name for batch in batches}) == 1:
        return pa.repeat(batches[0].dialect.name, sum(len(batch.events) for batch in batches))
    return pa.array([batch.dialect.name for batch in batches for _ in batch.events], pa.string())


def stamped(rows: pa.Table, dialect: str, stamp: datetime) -> pa.Table:
    """Rows of a bulk load, with what the way in adds."""
    more = {
        "received": pa.repeat(pa.scalar(stamp, table.MILLISECONDS), len(rows)),
        "dialect": pa.repeat(pa.scalar(dialect), len(rows)),
    }
    return pa.table({name: more[name] if name in more else rows.column(name) for name in table.SCHEMA.names}).cast(
        table.SCHEMA
    )


def restamped(tables: list[pa.Table], stamp: datetime) -> pa.Table:
    """The rows of all tables, received at another time."""
    rows = pa.concat_tables(tables)
    received = pa.repeat(pa.scalar(stamp, table.MILLISECONDS), len(rows))
    return rows.set_column(rows.schema.get_field_index("received"), table.SCHEMA.field("received"), received)


def keys_of(rows: pa.Table) -> list[bytes]:
    """The dedup key of every row."""
    tenants = pc.unique(rows["tenant"]).to_pylist()
    if len(tenants) == 1:
        return keys.keys_of(tenants[0], rows["id"].to_pylist())
    return list(map(keys.key_of, rows["tenant"].to_pylist(), rows["id"].to_pylist()))


def days_of(rows: pa.Table, zone_of: Callable[[str], str]) -> set[tuple[str, date]]:
    """The (tenant, calendar day) pairs that the rows fall on, each in its tenant's zone."""
    days: set[tuple[str, date]] = set()
    tenants = pc.unique(rows.column("tenant")).to_pylist()
    for tenant in tenants:
        own = rows.filter(pc.equal(rows.column("tenant"), tenant)) if len(tenants) > 1 else rows
        days |= {(tenant, day) for day in _days(own.column("timestamp").to_numpy().astype(np.int64), zone_of(tenant))}
    return days


def _days(moments_ms: np.ndarray, zone: str) -> set[date]:
    if zone == "UTC":
        return {date.fromordinal(719_163 + day) for day in _distinct(moments_ms // DAY_MS)}
    info = ZoneInfo(zone)
    quarters = _distinct(moments_ms // QUARTER_MS)
    return {datetime.fromtimestamp(q * (QUARTER_MS // 1000), UTC).astimezone(info).date() for q in quarters}


def _distinct(numbers: np.ndarray) -> list[int]:
    found: list[int] = pc.unique(pa.array(numbers)).to_pylist()
    return found
