"""Rows of a bulk load, held against people's decisions."""

from dataclasses import dataclass, field
from datetime import UTC

import pyarrow as pa
import pyarrow.compute as pc

from rollbook.ingest.permitting.feeling import felt
from rollbook.ingest.permitting.steps import Standings
from rollbook.ingest.permitting.words import is_of_conversation, taken_apart
from rollbook.store.privacy.message_texts import MessageText


@dataclass(slots=True)
class Permitted:
    """The rows that may be kept, what was said in them, apart; and how many of each tenant were withheld."""

    rows: pa.Table
    texts: list[MessageText] = field(default_factory=list)
    withheld: dict[str, int] = field(default_factory=dict)


def permitted(rows: pa.Table, standings: Standings, *, sentiment: bool = True) -> Permitted:
    """What may be kept of rows whose users are as they are stored; `sentiment`: as a number, of their messages."""
    found = Permitted(rows)
    parts = []
    tenants = pc.unique(rows["tenant"]).to_pylist()
    for tenant in tenants:
        own = rows.filter(pc.equal(rows["tenant"], tenant)) if len(tenants) > 1 else rows
        rule = standings(tenant).rules["analytics"]
        if not rule.whole():
            allowed = own.filter(pa.array([rule.may(user) for user in own["user"].to_pylist()], pa.bool_()))
            if len(allowed) < len(own):
                found.withheld[tenant] = len(own) - len(allowed)
            own = allowed
        parts.append(own)
    found.rows = _set_apart(pa.concat_tables(parts) if parts else rows, standings, found.texts, sentiment)
    return found


def _set_apart(rows: pa.Table, standings: Standings, texts: list[MessageText], sentiment: bool) -> pa.Table:
    types = [type for type in pc.unique(rows["type"]).to_pylist() if is_of_conversation(type)]
    talked = pc.or_(pc.is_in(rows["type"], pa.array(types, pa.string())), pc.not_equal(rows["conversation"], ""))
    if not len(rows) or not pc.any(talked).as_py():
        return rows
    properties = rows["properties"].to_pylist()
    for place in pc.indices_nonzero(talked.combine_chunks()).to_pylist():
        rest, words = taken_apart(properties[place].encode())
        if words is None:
            continue
        properties[place] = rest.decode()
        row = rows.slice(place, 1).select(["tenant", "id", "user", "conversation", "timestamp", "type"]).to_pylist()[0]
        type = row.pop("type")
        if standings(row["tenant"]).may_use(row["user"], "text"):
            if sentiment:
                properties[place] = felt(type, rest, words).decode()
            row["timestamp"] = row["timestamp"].replace(tzinfo=UTC)
            texts.append(MessageText(**row, text=words.decode()))
    at = rows.schema.get_field_index("properties")
    return rows.set_column(at, rows.schema.field("properties"), pa.array(properties, pa.string()))
