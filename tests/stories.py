"""Small stories: events written straight to the store, as the way in would leave them."""

import itertools
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa

from rollbook.store import Store, events
from rollbook.store.privacy import message_texts
from rollbook.store.privacy.message_texts import MessageText

_numbers = itertools.count()


def happened(type: str, user: str = "ada", at: datetime | str = "2026-03-02T10:00", **more: Any) -> dict[str, Any]:
    """One event; `more` are columns of the events table (course, content, concept, score, duration, …)."""
    moment = datetime.fromisoformat(at) if isinstance(at, str) else at
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return {"id": f"e{next(_numbers)}", "type": type, "user": user, "timestamp": moment} | more


def tell(store: Store, tenant: str, told: Iterable[dict[str, Any]]) -> None:
    """Write events for a tenant; the days they fall on are hot afterwards, as after any write.

    What was `said` in one (a JSON object) is set apart, as the way in does.
    """
    rows = [_row(tenant, event) for event in told]
    if not rows:
        return
    zone = ZoneInfo(store.zone_of(tenant))
    days = {(tenant, row["timestamp"].astimezone(zone).date()) for row in rows}
    table = pa.Table.from_pylist([_naive(row) for row in rows], events.SCHEMA)
    with store.rollups.writing(days):
        events.append(store.engine, table)
    texts = [_text(row) for row in rows if row.get("said") is not None]
    message_texts.add(store.engine, texts, datetime.now(UTC))


def _text(row: dict[str, Any]) -> MessageText:
    own = {name: row[name] for name in ("tenant", "id", "user", "conversation", "timestamp")}
    return MessageText(**own, text=row["said"])


def _row(tenant: str, event: dict[str, Any]) -> dict[str, Any]:
    blank: dict[str, Any] = {name: None if name in ("score", "duration") else "" for name in events.SCHEMA.names}
    now = datetime.now(UTC)
    return blank | {"tenant": tenant, "received": now, "dialect": "story", "properties": "{}"} | event


def _naive(row: dict[str, Any]) -> dict[str, Any]:
    def cut(moment: datetime) -> datetime:
        return moment.replace(tzinfo=None, microsecond=moment.microsecond // 1000 * 1000)

    return row | {"timestamp": cut(row["timestamp"]), "received": cut(row["received"])}
