"""Kept: what the store holds of a tenant after something was sent."""

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

from rollbook.governance.letters import opened
from rollbook.governance.pseudonyms import pseudonyms_of
from rollbook.ingest.intake import Intake
from rollbook.ingest.reasons import REASONS
from rollbook.store import Store, counters, dead_letters


def events(store: Store, tenant: str) -> list[dict[str, Any]]:
    """A tenant's events in order of time and id, their properties decoded."""
    sql = "select * from events where tenant = {tenant:String} order by timestamp, id"
    rows = store.engine.query(sql, {"tenant": tenant})
    return [row | {"properties": json.loads(row["properties"])} for row in rows]


def event(store: Store, tenant: str) -> dict[str, Any]:
    """A tenant's only event."""
    (only,) = events(store, tenant)
    return only


def ids(store: Store, tenant: str) -> Counter[str]:
    """How often each event id is there."""
    sql = "select id, count() as times from events where tenant = {tenant:String} group by id"
    return Counter({row["id"]: row["times"] for row in store.engine.query(sql, {"tenant": tenant})})


def letters(store: Store, tenant: str) -> list[dict[str, Any]]:
    """A tenant's dead letters by index, with the bytes as they came in. Every reason is one of the closed set."""
    rows = opened_letters(store, tenant)
    assert {row["reason"] for row in rows} <= REASONS.keys()
    return sorted((row | {"body": dead_letters.original(row)} for row in rows), key=lambda row: row["position"])


def opened_letters(store: Store, tenant: str) -> list[dict[str, Any]]:
    """A tenant's dead letters, the newest first, as they were before they were sealed."""
    rows = dead_letters.listed(store.engine, tenant, limit=1000)
    assert {row["encoding"] for row in rows} <= {dead_letters.SEALED}
    return opened(pseudonyms_of(store).sealing, tenant, rows)


def counts(intake: Intake, tenant: str) -> dict[tuple[str, str], int]:
    """A tenant's counters of the last hour by dialect and outcome."""
    intake.tally.flush()
    now = datetime.now(UTC)
    found: Counter[tuple[str, str]] = Counter()
    for row in counters.read(intake.store.engine, tenant, now - timedelta(hours=1), now + timedelta(minutes=1)):
        found[row["dialect"], row["outcome"]] += row["events"]
    return dict(found)
