"""Lifetimes: tenants whose events came in long ago."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa

from rollbook.governance.lifecycle import Expired, Expiry, Restored, Restoring
from rollbook.governance.tenants import tenants_of
from rollbook.store import Store
from tests.stories import happened, tell

NOW = datetime.now(UTC).replace(microsecond=0)
LONG_AGO = NOW - timedelta(days=400)
DAY = timedelta(days=1)


def aged(type: str, user: str = "ada", at: str = "2026-03-02T10:00", **more: Any) -> dict[str, Any]:
    """An event that was received long ago."""
    return happened(type, user, at, **({"received": LONG_AGO} | more))


def told(store: Store, tenant: str, events: Iterable[dict[str, Any]]) -> None:
    """Write events, and roll them up."""
    tell(store, tenant, events)
    store.rollups.roll(quiet_seconds=0, of=tenant)


def expire(store: Store, tenant: str, **settings: Any) -> Expired | None:
    """What one run lets go."""
    if settings:
        tenants_of(store).change(tenant, **settings)
    found = Expiry(store).run(of=tenant)
    return found[0] if found else None


class Taken:
    """What a stand-in for the way in answers."""

    def __init__(self, ingested: int) -> None:
        self.ingested = ingested
        self.duplicates = 0


def restore(store: Store, tenant: str, *range: Any, into: str | None = None) -> Restored:
    """Bring back; what goes into another tenant is written straight to the store."""

    def load(rows: pa.Table, dialect: str) -> Taken:
        more = {"dialect": dialect, "received": datetime.now(UTC)}
        tell(store, into or tenant, [_aware(row) | more for row in rows.to_pylist()])
        return Taken(len(rows))

    return Restoring(store, load, lambda done, total, what: None).run(tenant, *range, into=into)


def _aware(row: dict[str, Any]) -> dict[str, Any]:
    return row | {"timestamp": row["timestamp"].replace(tzinfo=UTC)}


def raw(store: Store, tenant: str) -> int:
    """How many raw events a tenant has."""
    found: int = store.engine.query(
        "select count() as n from events where tenant = {tenant:String}", {"tenant": tenant}
    )[0]["n"]
    return found
