"""Which events of an import are in the table already, however long ago they came in."""

from datetime import UTC

import pyarrow as pa
import pyarrow.compute as pc

from rollbook.store.engine import Engine

# the columns of the table's key come first: an import's chunk lies in few days of few courses
IDS = """
select id from events
where tenant = {tenant:String} and toDate(timestamp) >= toDate({begin:DateTime64(3, 'UTC')})
  and toDate(timestamp) <= toDate({until:DateTime64(3, 'UTC')})
  and dialect = {dialect:String} and course in {courses:Array(String)}
"""


def ids(engine: Engine, tenant: str, dialect: str, rows: pa.Table) -> set[str]:
    """Those ids of the rows that an import of this dialect has left in a tenant's events."""
    if not len(rows):
        return set()
    ends = pc.min_max(rows["timestamp"]).as_py()
    bound = {
        "tenant": tenant,
        "dialect": dialect,
        "begin": ends["min"].replace(tzinfo=UTC),
        "until": ends["max"].replace(tzinfo=UTC),
        "courses": pc.unique(rows["course"]).to_pylist(),
    }
    wanted = set(rows["id"].to_pylist())
    found: set[str] = set()
    for block in engine.stream(IDS, bound):
        found.update(wanted.intersection(row[0] for row in block))
    return found
