"""Layouts: the events once more in the order of types and courses, and once more in that of people.

They are ClickHouse's own projections `by_type` and `by_person`, which are read wherever that means reading less.
Neither inserts nor merges write them: parts get them here, many at once. Whatever changes events for good goes through
`change`, since ClickHouse makes the layouts of the parts anew that it changes.
"""

from collections.abc import Mapping
from typing import Any

import structlog

from rollbook.errors import Unavailable
from rollbook.store.engine import Engine
from rollbook.store.intake.derived import EVENTS

log = structlog.get_logger()

# so many events are read as they are in no time
LEAST_ROWS = 1_000_000

# by type first: most questions name some
LAYOUTS = ("by_type", "by_person")

# of parts in which some rows are only hidden nothing is laid out before those have left the disk
MISSING = f"""
select layout, sum(rows) as rows from system.parts array join {list(LAYOUTS)} as layout
where database = currentDatabase() and table = 'events' and active and not has_lightweight_delete
  and (name, layout) not in (select parent_name, name from system.projection_parts
                             where database = currentDatabase() and table = 'events' and active)
group by layout
"""
_UNDONE = "where database = currentDatabase() and table = 'events' and not is_done"
_LAYING_OUT = _UNDONE + " and command ilike '%materialize projection%'"
UNDER_WAY = "select count() as n, max(latest_fail_reason) as failed from system.mutations " + _LAYING_OUT
STOP = "kill mutation " + _LAYING_OUT + " sync"
GIVE_UP = "kill mutation " + _UNDONE + " and latest_fail_reason != '' sync"
LAY_OUT = {layout: f"alter table events materialize projection {layout}" for layout in LAYOUTS}
CLEAR = "alter table events " + ", ".join(f"clear projection {layout}" for layout in LAYOUTS)


def lay_out(engine: Engine, *, least: int = LEAST_ROWS, wait: bool = False) -> int:
    """Lay out what is not yet, if it is `least` events or more; how many are (unless some are already).

    The events stay what they are. It goes on by itself, after a restart too; `wait`: until it is done. One layout at a
    time, which takes less memory: who does not wait comes again for the other.
    """
    (running,) = engine.query(UNDER_WAY, unlimited=True)
    if running["failed"]:
        # ClickHouse would try for ever, and no other change of events would get through
        log.warning("not_laid_out", detail=running["failed"][:300], effect="questions take longer; tried again later")
        engine.command(STOP, aside=True)
        return 0
    rows = missing(engine)
    due = [layout for layout in LAYOUTS if rows[layout] >= max(least, 1)]
    if running["n"] or not due:
        return 0
    for layout in due if wait else due[:1]:
        engine.command(LAY_OUT[layout], settings={"mutations_sync": int(wait)}, aside=True)
    return rows[due[0]]


def missing(engine: Engine) -> dict[str, int]:
    """How many events are not laid out, by layout."""
    found = {row["layout"]: row["rows"] for row in engine.query(MISSING, unlimited=True)}
    return {layout: found.get(layout, 0) for layout in LAYOUTS}


def change(
    engine: Engine, statement: str, bound: Mapping[str, Any], *, settings: Mapping[str, Any], table: str = EVENTS
) -> None:
    """Run a mutation. Nobody waits for a layout of events that is being made: it is given up, and made later.

    Where there is not enough memory to make the layout of the changed parts anew, it is thrown away and the mutation
    runs without. Raises Unavailable if that fails, too; then nothing of it goes on by itself.
    """
    if table != EVENTS:
        engine.command(statement, dict(bound), settings=dict(settings))
        return
    engine.command(STOP, aside=True)
    try:
        engine.command(statement, dict(bound), settings=dict(settings))
    except Unavailable as error:
        log.warning(
            "layout_thrown_away", detail=str(error)[:300], effect="questions take longer until it is made again"
        )
        engine.command(GIVE_UP, aside=True)
        engine.command(CLEAR, settings={"mutations_sync": 1}, aside=True)
        _at_last(engine, statement, bound, settings)


def _at_last(engine: Engine, statement: str, bound: Mapping[str, Any], settings: Mapping[str, Any]) -> None:
    try:
        engine.command(statement, dict(bound), settings=dict(settings))
    except Unavailable:
        engine.command(GIVE_UP, aside=True)
        raise
