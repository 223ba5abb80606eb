"""The not_taken table: what came in and did not become an event, by quarter of an hour, source and reason."""

from collections.abc import Mapping
from datetime import datetime

import pyarrow as pa

from rollbook.store.engine import Engine

DUPLICATE = "duplicate"

NotTaken = Mapping[tuple[str, datetime, str, str], int]
"""Events by tenant, quarter of an hour, source and reason."""

_SCHEMA = pa.schema(
    [
        ("tenant", pa.string()),
        ("quarter", pa.timestamp("s", "UTC")),
        ("source", pa.string()),
        ("reason", pa.string()),
        ("events", pa.uint64()),
    ]
)


def quarter_of(moment: datetime) -> datetime:
    """The beginning of its quarter of an hour."""
    return moment.replace(minute=moment.minute // 15 * 15, second=0, microsecond=0)


def add(engine: Engine, counts: NotTaken) -> None:
    """Add counts."""
    rows = [
        {"tenant": tenant, "quarter": quarter, "source": source, "reason": reason, "events": events}
        for (tenant, quarter, source, reason), events in counts.items()
    ]
    if rows:
        engine.insert("not_taken", pa.Table.from_pylist(rows, _SCHEMA))
