"""Compliance: what is held of a tenant, how old it is, on what basis, for how long, and who looked."""

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import BaseModel, Field

from rollbook.governance.consent import purposes
from rollbook.governance.lifecycle import archives, holds
from rollbook.governance.lifecycle.ages import ages_of
from rollbook.governance.tenants import tenants_of
from rollbook.store import Store
from rollbook.store.expiry import stock

LOOKED_DAYS = 90

Rows = list[dict[str, Any]]


class Compliance(BaseModel):
    """The report; it names nobody."""

    tenant: str
    made: datetime
    tables: Rows = Field(description="What the event tables hold: rows, bytes (by share), the oldest and the newest.")
    records: dict[str, int] = Field(description="How many records there are, by table.")
    raw_since: str = Field(description="From this day on all raw events are there; empty: none have expired.")
    basis: Rows = Field(description="Purposes, each with its lawful basis, and whether it holds without a decision.")
    rules: Rows = Field(description="How many days what is kept, and what becomes of it then.")
    archives: Rows
    holds: Rows = Field(description="Legal holds that stand; whether on a person or on all.")
    looked: Rows = Field(description=f"Lines of the audit trail in the last {LOOKED_DAYS} days, by action.")
    open_requests: Rows = Field(description="Requests of people that wait for an answer.")


def report(store: Store, tenant: str) -> Compliance:
    """What is held now. Raises Unavailable."""
    now = datetime.now(UTC)
    sealed = store.rollups.sealed(tenant).first_raw_day()
    standing = [asdict(hold) for hold in holds.listed(store, tenant)]
    kept = ("id", "state", "first", "last", "rows", "bytes", "restored_days", "place")
    return Compliance(
        tenant=tenant,
        made=now,
        tables=stock.tables(store.engine, tenant),
        records=store.records.lifecycle.counts(tenant),
        raw_since=sealed.isoformat() if sealed else "",
        basis=[asdict(one) for one in purposes(tenants_of(store).settings(tenant))],
        rules=rules(store, tenant),
        archives=[{name: getattr(one, name) for name in kept} for one in archives.listed(store, tenant)],
        holds=[
            {"id": one["id"], "on": "a person" if one["user"] else "all", "why": one["why"], "placed": one["placed"]}
            for one in standing
        ],
        looked=stock.looked(store.engine, tenant, now - timedelta(days=LOOKED_DAYS)),
        open_requests=store.records.lifecycle.open_requests(tenant),
    )


def rules(store: Store, tenant: str) -> Rows:
    """How long what is kept, counted from receipt."""
    ages, settings, own = ages_of(store, tenant), store.settings, tenants_of(store).settings(tenant)
    found: list[tuple[str, int | None, str]] = [
        ("raw events", ages.events, "archived, then deleted"),
        ("rollups", max(ages.rollups, ages.events), "deleted, by whole months"),
        ("archives", ages.archives, "deleted"),
        (
            "users in events",
            ages.anonymise,
            "unlinked, by whole months" if ages.anonymise else "kept as long as events",
        ),
        ("text of AI messages", own.text_days, "deleted"),
        ("dead letters", settings.dead_letter_days, "deleted"),
        ("ids of events, for counting once", settings.dedup_window_days, "deleted, by whole months"),
        ("audit trail", settings.audit_days, "deleted behind a checkpoint"),
        ("packages of access requests", settings.package_days, "deleted"),
    ]
    return [{"what": what, "days": days, "then": then} for what, days, then in found]


def markdown(found: Compliance) -> str:
    """The report as Markdown, for people."""
    parts = [
        f"# What Rollbook holds of {found.tenant}",
        f"Made {found.made:%Y-%m-%d %H:%M} UTC."
        + (f" Raw events are complete from {found.raw_since} on." if found.raw_since else ""),
    ]
    sections: list[tuple[str, Rows]] = [
        ("Held", found.tables),
        ("Records", [{"table": name, "rows": rows} for name, rows in found.records.items()]),
        ("On what basis", found.basis),
        ("How long", found.rules),
        ("Archives", found.archives),
        ("Legal holds", found.holds),
        (f"Who looked, in the last {LOOKED_DAYS} days", found.looked),
        ("Requests that wait for an answer", found.open_requests),
    ]
    for title, rows in sections:
        parts += [f"## {title}", _table(rows)]
    return "\n\n".join(parts) + "\n"


def _table(rows: Rows) -> str:
    if not rows:
        return "None."
    names = list(rows[0])
    lines = [names, ["---"] * len(names), *([_cell(row[name]) for name in names] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    return str(value).replace("|", "\\|").replace("\n", " ")
