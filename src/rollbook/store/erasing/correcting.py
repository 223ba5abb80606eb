"""Correcting: writes what is right into events that are there, with the rollups following."""

import json
from collections.abc import Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa

from rollbook.scores import FORMS, scaled
from rollbook.store.engine import Row
from rollbook.store.intake.derived import follow
from rollbook.store.intake.layouts import change
from rollbook.store.store import Store

THEIRS = """
select id, timestamp, score, duration, properties from events
where tenant = {tenant:String} and user in {users:Array(String)} and id in {ids:Array(String)}
"""
_ALL = "(select groupArray((id, score, duration, properties)) from correcting)"
_PROPERTIES = f"arrayFirst(one -> one.1 = id, {_ALL}).4"
CORRECT = f"""
alter table events update
    score = arrayFirst(one -> one.1 = id, {_ALL}).2,
    duration = arrayFirst(one -> one.1 = id, {_ALL}).3,
    properties = {_PROPERTIES}, {follow(_PROPERTIES)}
where tenant = {{tenant:String}} and id in (select id from correcting)
"""
SCHEMA = pa.schema(
    [("id", pa.string()), ("score", pa.float64()), ("duration", pa.float64()), ("properties", pa.string())]
)


def correct_events(store: Store, tenant: str, users: Sequence[str], right: Sequence[Mapping[str, Any]]) -> int:
    """Correct events of these users: `event_id`, and `score`, `duration`, `properties` as far as named; how many.

    A mutation's file never holds a value: it names the table in memory that does.
    """
    wanted = {one["event_id"]: one for one in right}
    bound = {"tenant": tenant, "users": list(users), "ids": list(wanted)}
    found = store.engine.query(THEIRS, bound, unlimited=True)
    if not found:
        return 0
    rows = [_corrected(row, wanted[row["id"]]) for row in found]
    zone = ZoneInfo(store.zone_of(tenant))
    days = {(tenant, row["timestamp"].astimezone(zone).date()) for row in found}
    store.engine.command("truncate table correcting")
    try:
        store.engine.insert("correcting", pa.Table.from_pylist(rows, SCHEMA))
        with store.rollups.writing(days):
            change(store.engine, CORRECT, {"tenant": tenant}, settings={"mutations_sync": 2})
    finally:
        store.engine.command("truncate table correcting")
    return len(rows)


def _corrected(row: Row, right: Mapping[str, Any]) -> dict[str, Any]:
    """The event's values as they should be; what has a column of its own stands in the properties, too."""
    properties = json.loads(row["properties"] or "{}") | dict(right.get("properties", {}))
    values = {"score": row["score"], "duration": row["duration"]}
    for name in values:
        if name in right:
            values[name] = right[name]
            properties[name] = right[name]
        elif name == "score" and right.get("properties", {}).keys() & {"score", *FORMS}:
            values[name] = scaled(properties)
        elif name in right.get("properties", {}):
            given = right["properties"][name]
            values[name] = float(given) if isinstance(given, int | float) else None
    kept = {name: value for name, value in properties.items() if value is not None}
    text = row["properties"] if kept == json.loads(row["properties"] or "{}") else json.dumps(kept, ensure_ascii=False)
    return {"id": row["id"], **values, "properties": text}
