"""By type: lays the events out once more in the order of types and courses, for the questions that ask by them.

The layout is ClickHouse's own projection `by_type`, which is read wherever that means reading less. Neither inserts
nor merges write it: parts get it here, many at once.
"""

from rollbook.store.engine import Engine

# so many events are read as they are in no time
LEAST_ROWS = 1_000_000

# of parts in which some rows are only hidden nothing is laid out before those have left the disk
MISSING = """
select sum(rows) as rows from system.parts
where database = currentDatabase() and table = 'events' and active and not has_lightweight_delete
  and name not in (select parent_name from system.projection_parts
                   where database = currentDatabase() and table = 'events' and active and name = 'by_type')
"""
UNDER_WAY = """
select count() as n from system.mutations
where database = currentDatabase() and table = 'events' and not is_done and command ilike '%materialize projection%'
"""
LAY_OUT = "alter table events materialize projection by_type"


def lay_out(engine: Engine, *, least: int = LEAST_ROWS, wait: bool = False) -> int:
    """Lay out what is not yet, if it is `least` events or more; how many are (unless some are already).

    The events stay what they are. It goes on by itself, after a restart too; `wait`: until it is done.
    """
    if not wait and engine.query(UNDER_WAY, unlimited=True)[0]["n"]:
        return 0
    missing: int = engine.query(MISSING, unlimited=True)[0]["rows"]
    if missing < max(least, 1):
        return 0
    engine.command(LAY_OUT, settings={"mutations_sync": int(wait)}, aside=True)
    return missing
