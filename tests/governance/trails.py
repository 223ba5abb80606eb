"""Trails of tests: one writer over the shared store, and what its records hold."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rollbook.governance.audit import Line, Trail
from rollbook.governance.audit.checking import Bad, Checking
from rollbook.governance.audit.heads import plain
from rollbook.governance.audit.reading import Reading, Wanted
from rollbook.store import Store
from rollbook.store.records.audit import AuditRecords
from tests.cli.terminal import rollbook

# access as it is by default, and no limit that a test could meet
REQUIRED = {"ROLLBOOK_AUTH": "required", "RATE_LIMIT_PER_MINUTE": "1000000"}


def read(tenant: str, person: str = "ada", actor: str = "grace", **more: Any) -> Line:
    """Somebody looks at somebody's timeline."""
    given = {"credential": f"token:{actor}", "address": "192.0.2.7", "why": "tutoring"} | more
    return Line(tenant, "read", "GET /api/v2/ask/timeline", actor=actor, person=person, **given)


def bad(store: Store, trail: Trail, tenant: str, heads: Sequence[Any] = ()) -> Bad | None:
    """The first bad line of a tenant, against the heads of the records and these."""
    return Checking(store, trail.keys).check(tenant, heads).bad


def shown(store: Store, trail: Trail, tenant: str, **wanted: Any) -> list[dict[str, Any]]:
    """The newest lines of a tenant with their names."""
    return Reading(store, trail.keys).lines(Wanted(tenant, **wanted), 100)


def heads(store: Store, tenant: str) -> list[dict[str, Any]]:
    """The signed heads of a tenant, as they are sent off."""
    marks = AuditRecords(store.records.database).marks("head", tenant)
    return [plain(mark) | {"signature": mark["signature"]} for mark in marks]


def acme(folder: Path) -> dict[str, str]:
    """Make the tenant acme in a folder; headers of its admin."""
    for words in (
        ("tenant", "create", "acme", "--plain-ids"),
        ("key", "create", "--tenant", "acme", "--role", "admin"),
    ):
        done = rollbook(*words, "--data", folder, here=None, **REQUIRED)
        assert done.returncode == 0, done.stderr
    return {"authorization": f"Bearer {done.stdout.strip()}"}
