"""The message_texts table: what was written to and by an AI, apart from the events, and for some days only."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa

from rollbook.store.engine import Engine, Row, batches

LAST_STAMP = 1 << 62

_SCHEMA = pa.schema(
    [(name, pa.string()) for name in ("tenant", "id", "user", "conversation")]
    + [("timestamp", pa.timestamp("ms", "UTC")), ("received", pa.timestamp("ms", "UTC"))]
    + [("text", pa.string()), ("stamp", pa.uint64())]
)

READ = """
select id as event_id, user as user_id, timestamp, received, text from message_texts final
where tenant = {tenant:String} and conversation = {conversation:String} and received >= {since:DateTime64(3, 'UTC')}
  and user not in (select arrayJoin({left_out:Array(String)}))
  and ({everyone:UInt8} or user in (select arrayJoin({users:Array(String)})))
order by timestamp, id limit {most:UInt32}
"""
TENANTS = "select tenant, min(received) as oldest from message_texts group by tenant"
EXPIRE = "alter table message_texts delete where tenant = {tenant:String} and received < {before:DateTime64(3, 'UTC')}"
REMOVE = "alter table message_texts delete where tenant = {tenant:String} and user in {users:Array(String)}"
COUNT = """
select count() as texts from message_texts where tenant = {tenant:String} and user in {users:Array(String)}
"""

# wait until what is deleted is gone from the active parts
AT_ONCE = {"mutations_sync": 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageText:
    """What the event `id` said: a JSON object of the properties that were taken out of it."""

    tenant: str
    id: str
    user: str
    conversation: str
    timestamp: datetime
    text: str


def add(engine: Engine, texts: Sequence[MessageText], received: datetime) -> None:
    """Keep texts. One that comes again, under the same conversation and event, does not replace the first."""
    if not texts:
        return
    stamp = LAST_STAMP - int(received.timestamp() * 1000)
    names = ("tenant", "id", "user", "conversation", "timestamp", "text")
    rows = [{name: getattr(one, name) for name in names} | {"received": received, "stamp": stamp} for one in texts]
    engine.insert("message_texts", pa.Table.from_pylist(rows, _SCHEMA))


def read(
    engine: Engine,
    tenant: str,
    conversation: str,
    since: datetime,
    *,
    users: Sequence[str] | None = None,
    left_out: Sequence[str] = (),
    most: int = 1_000,
) -> list[Row]:
    """The texts of a conversation that were received since a moment, in order; of some users only if named."""
    bound = {"tenant": tenant, "conversation": conversation, "since": since, "most": most}
    whose = {"users": list(users or ()), "everyone": int(users is None), "left_out": list(left_out)}
    return engine.query(READ, bound | whose)


def oldest(engine: Engine) -> dict[str, datetime]:
    """When the oldest text of every tenant was received."""
    return {row["tenant"]: row["oldest"] for row in engine.query(TENANTS, unlimited=True)}


def expire(engine: Engine, tenant: str, before: datetime) -> None:
    """Delete a tenant's texts that were received before a moment."""
    engine.command(EXPIRE, {"tenant": tenant, "before": before}, settings=AT_ONCE)


def remove(engine: Engine, tenant: str, users: Sequence[str]) -> int:
    """Delete all texts of some users; how many there were."""
    found = 0
    for some in batches(users):
        bound = {"tenant": tenant, "users": some}
        if texts := engine.query(COUNT, bound, unlimited=True)[0]["texts"]:
            engine.command(REMOVE, bound, settings=AT_ONCE)
            found += texts
    return found
