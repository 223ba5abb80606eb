"""Holds: what must be kept for a court or an inquiry; it neither expires nor is erased until the hold is lifted."""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime

from rollbook.errors import Invalid, NotFound
from rollbook.governance.pseudonyms import known_as
from rollbook.store import Store

MOST_WHY = 1_000


@dataclass(frozen=True, slots=True)
class Hold:
    """A hold on a tenant, or on one user of it (as stored; "" for all)."""

    tenant: str
    id: str
    user: str
    why: str
    placed_by: str
    placed: datetime
    lifted_by: str
    lifted: datetime | None


def held(store: Store, tenant: str, user: str | None = None) -> list[Hold]:
    """The holds that stand in a tenant; those that hold one user (as stored), if named."""
    return listed(store, tenant, None if user is None else user)


def listed(store: Store, tenant: str | None = None, user: str | None = None, *, lifted: bool = False) -> list[Hold]:
    """Holds, the oldest first; `lifted`: those too that stand no more."""
    users = None if user is None else [user]
    found = store.records.lifecycle.holds(tenant, users, lifted=lifted)
    return [Hold(**row) for row in found]


def place(store: Store, tenant: str, user: str, why: str, by: str) -> Hold:
    """Hold a user's data (as callers know them), or all of the tenant ("") from now on. Raises Invalid."""
    if not why.strip() or len(why) > MOST_WHY:
        raise Invalid(f"say why it is held, in at most {MOST_WHY} characters")
    stored = known_as(store, tenant, user) if user else ""
    hold = Hold(tenant, secrets.token_hex(6), stored, why, by, datetime.now(UTC), "", None)
    store.records.lifecycle.hold({name: getattr(hold, name) for name in Hold.__slots__})
    return hold


def lift(store: Store, tenant: str, hold: str, by: str) -> None:
    """Lift a hold. Raises NotFound."""
    if not store.records.lifecycle.lift(tenant, hold, by, datetime.now(UTC)):
        raise NotFound(f"tenant {tenant} has no hold {hold!r} that stands")
