"""Expiry of the trail: old months go, and a signed checkpoint says from which line a chain goes on."""

from datetime import UTC, datetime, timedelta

import structlog

from rollbook.governance.audit.heads import signed
from rollbook.governance.audit.line import Line
from rollbook.governance.audit.trail import MOST_AT_ONCE, Trail
from rollbook.store import Store, audit_lines
from rollbook.store.engine import Row
from rollbook.store.records.audit import AuditRecords
from rollbook.store.records.database import Record

log = structlog.get_logger()


def expire(store: Store, trail: Trail, now: datetime | None = None) -> int:
    """Remove the months that are older than ROLLBOOK_AUDIT_DAYS, and identities that no line names any more.

    How many lines. The checkpoint is on disk first: of what a crash leaves before it, nothing is missed.
    """
    now = now or datetime.now(UTC)
    before = now - timedelta(days=store.settings.audit_days)
    months = audit_lines.old_months(store.engine, before)
    if not months:
        return 0
    records = AuditRecords(store.records.database)
    ends = audit_lines.ends(store.engine, months)
    records.put_marks("checkpoint", [_checkpoint(trail, end, now) for end in ends])
    for month in months:
        audit_lines.drop_month(store.engine, month)
    _forget_unused(store, records, before)
    lines = [_line(end) for end in ends]
    for start in range(0, len(lines), MOST_AT_ONCE):
        trail.note_now(*lines[start : start + MOST_AT_ONCE])
    gone: int = sum(end["lines"] for end in ends)
    log.info("audit_expired", lines=gone, before=before.isoformat())
    return gone


def _checkpoint(trail: Trail, end: Row, now: datetime) -> Record:
    named = {name: end[name] for name in ("tenant", "chain", "number", "hash")}
    return signed(trail.keys, "checkpoint", named | {"at": now})


def _line(end: Row) -> Line:
    detail = {"chain": end["chain"], "upto": end["number"], "lines": end["lines"]}
    return Line(end["tenant"], "change", "expiry of the audit trail", detail=detail)


def _forget_unused(store: Store, records: AuditRecords, before: datetime) -> None:
    """Identities and addresses first met before that moment, that stand in no line."""
    places = records.addresses_before(before)
    records.remove_addresses(sorted(set(places) - audit_lines.in_use(store.engine, places)))
    people = {row["digest"]: row["id"] for row in records.identities_before(before)}
    used = audit_lines.in_use(store.engine, sorted(people))
    unused = [one for digest, one in people.items() if digest not in used]
    records.remove_identities(sorted(set(unused) - records.with_addresses(unused)))
