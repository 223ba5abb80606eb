"""Touched: whose events a change holds, so that only what may read differently is asked anew."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

import pyarrow.compute as pc

from rollbook.analyses.arrivals import Wanted
from rollbook.store import Scope
from rollbook.store.asking.changes import Change, Committed


@dataclass(slots=True)
class Touched:
    """Of one tenant. `all`: nobody knows what has changed. `stamp`: up to which events can be read."""

    all: bool = False
    stamp: datetime | None = None
    users: set[str] = field(default_factory=set)
    courses: set[str] = field(default_factory=set)
    types: set[str] = field(default_factory=set)

    def may_change(self, scope: Scope) -> bool:
        """Whether an answer about a scope may be another now."""
        if self.all:
            return True
        if scope.users is not None and self.users.isdisjoint(scope.users):
            return False
        return scope.courses is None or not self.courses.isdisjoint(scope.courses)

    def may_hold(self, scope: Scope, wanted: Wanted) -> bool:
        """Whether there may be events of a scope that are wanted."""
        if self.stamp is None or (not self.all and not self.may_change(scope)):
            return False
        if self.all:
            return True
        of_types = not wanted.types or not self.types.isdisjoint(wanted.types)
        return of_types and (not wanted.courses or not self.courses.isdisjoint(wanted.courses))


def summed(changes: Iterable[Change]) -> dict[str | None, Touched]:
    """Changes by tenant; None: of any."""
    found: dict[str | None, Touched] = {}
    for change in changes:
        if not isinstance(change, Committed):
            found.setdefault(change.tenant, Touched()).all = True
            continue
        for tenant in pc.unique(change.rows["tenant"]).to_pylist():
            rows = change.rows.filter(pc.equal(change.rows["tenant"], tenant))
            one = found.setdefault(tenant, Touched())
            one.stamp = max(one.stamp or change.stamp, change.stamp)
            # a notice of another process does not say which events they are
            one.all = one.all or "user" not in rows.column_names
            if not one.all:
                for name, seen in (("user", one.users), ("course", one.courses), ("type", one.types)):
                    seen.update(pc.unique(rows[name]).to_pylist())
    return found
