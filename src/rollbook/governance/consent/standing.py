"""Standing: of whom which purpose is allowed now, as one rule for each purpose; worked out anew when anything changed.

A decision of this process holds at once, one of another within half a second. Who is how old, and which ids are one
person, is read again after a change in this process, or after some seconds.
"""

import threading
import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary

from rollbook.governance.ages import OLDEST, is_child
from rollbook.governance.consent.purposes import PURPOSES, Purpose, holds
from rollbook.governance.people import Person, known, today
from rollbook.governance.tenants import TenantSettings, tenants_of
from rollbook.governance.tombstones import tombstones_of
from rollbook.store import Store
from rollbook.store.privacy.everyone import everyone
from rollbook.store.records.consent import Consents
from rollbook.store.records.database import Record

AT_MOST_SECONDS_OLD = 0.5
PEOPLE_SECONDS_OLD = 15.0
ANYTHING = "*"


@dataclass(frozen=True, slots=True)
class Rule:
    """`default` for everyone but `exceptions`, of whom the opposite holds; `nobody`: for events without a user.

    `is_erased`: who was erased, of whom nothing is allowed; None: nobody was.
    """

    default: bool
    exceptions: frozenset[str] = frozenset()
    nobody: bool = True
    is_erased: Callable[[str], bool] | None = None

    def may(self, user: str) -> bool:
        """Whether it is allowed of a user (as stored; "": an event of nobody)."""
        if not user:
            return self.nobody
        if self.is_erased is not None and self.is_erased(user):
            return False
        return self.default != (user in self.exceptions)

    def whole(self) -> bool:
        """Whether it is allowed of everyone."""
        return self.default and self.nobody and not self.exceptions and self.is_erased is None


@dataclass(frozen=True, slots=True)
class Standing:
    """The rules of a tenant by purpose; of the `restricted` everything is kept and nothing used."""

    rules: dict[Purpose, Rule]
    restricted: frozenset[str] = frozenset()
    barred: dict[Purpose, tuple[str, ...]] = field(default_factory=dict)

    def may_use(self, user: str, purpose: Purpose) -> bool:
        """Whether events of a user may be used for a purpose."""
        return user not in self.restricted and self.rules["analytics"].may(user) and self.rules[purpose].may(user)


@dataclass(slots=True)
class _Kept:
    """A tenant's standing, what it was made of, when it was made, when last found to hold, after which changes."""

    made_of: tuple[Any, ...]
    standing: Standing
    made: float
    checked: float
    changes: tuple[int, ...]
    settings: TenantSettings


class Standings:
    """The standings of a store's tenants."""

    def __init__(self, store: Store) -> None:
        self.records = Consents(store.records.database)
        self._kept: dict[str, _Kept] = {}
        self._strangers: dict[tuple[str, Purpose], tuple[float, Standing, tuple[str, ...]]] = {}
        self._decisions = 0

    def of(self, store: Store, tenant: str) -> Standing:
        """How a tenant's people stand now. Raises Unavailable."""
        now = time.monotonic()
        settings = tenants_of(store).settings(tenant)
        changes = (self._decisions, store.records.people.recent.changes)
        kept = self._kept.get(tenant)
        fresh = kept is not None and kept.changes == changes and now - kept.checked <= AT_MOST_SECONDS_OLD
        if kept is not None and fresh and kept.settings is settings:
            return kept.standing
        day = today(store, tenant)
        buried = tombstones_of(store)
        made_of = (self.records.version(tenant), settings, day, changes[1], buried.version(tenant))
        if kept is None or kept.made_of != made_of or now - kept.made > PEOPLE_SECONDS_OLD:
            standing = _made(self.records, tenant, settings, day)
            if buried.version(tenant):
                analytics = replace(standing.rules["analytics"], is_erased=partial(buried.is_erased, tenant))
                standing.rules["analytics"] = analytics
            kept = _Kept(made_of, standing, now, now, changes, settings)
        # read before a later change, it does not hold after it: `changes` says so
        self._kept[tenant] = _Kept(kept.made_of, kept.standing, kept.made, now, changes, settings)
        return kept.standing

    def forget(self) -> None:
        """Somebody has decided: nothing kept holds any longer."""
        self._decisions += 1

    def strangers(self, store: Store, tenant: str, standing: Standing, purpose: Purpose) -> tuple[str, ...]:
        """Where a purpose is allowed of named people only: everyone else of whom there are events."""
        now = time.monotonic()
        found = self._strangers.get((tenant, purpose))
        if found is not None and found[1] is standing and now - found[0] <= AT_MOST_SECONDS_OLD:
            return found[2]
        others = tuple(user for user in everyone(store, tenant) if not standing.may_use(user, purpose))
        self._strangers[tenant, purpose] = (now, standing, others)
        return others


_of_stores: WeakKeyDictionary[Store, Standings] = WeakKeyDictionary()
_opening = threading.Lock()


def standings(store: Store) -> Standings:
    """The standings of a store: one for all who ask in this process."""
    found = _of_stores.get(store)
    if found is None:
        with _opening:
            found = _of_stores.setdefault(store, Standings(store))
    return found


def standing_of(store: Store, tenant: str) -> Standing:
    """How a tenant's people stand now, at most half a second ago. Raises Unavailable."""
    return standings(store).of(store, tenant)


def left_out(store: Store, tenant: str, purpose: Purpose = "analytics") -> tuple[str, ...]:
    """Stored ids of the people whose events no answer for this purpose may hold.

    Those who have decided against it or against analytics, those of whom a decision is needed and missing, and those
    whose data is restricted. Raises Unavailable.
    """
    found = standing_of(store, tenant)
    if found.rules["analytics"].default and found.rules[purpose].default:
        return found.barred[purpose]
    return standings(store).strangers(store, tenant, found, purpose)


def _made(records: Consents, tenant: str, settings: TenantSettings, day: date) -> Standing:
    """A tenant's standing, from the records."""
    decided = records.standing(tenant)
    people = {user: known(rows) for user, rows in records.persons(tenant, _born_after(settings, day)).items()}
    wanted = {row["user"] for row in decided}
    said = _said([*decided, *_shared(decided, records.same(tenant, wanted))])
    users = said.keys() | people.keys()
    rules = {purpose: _rule(purpose, settings, day, (users, said, people)) for purpose in PURPOSES}
    restricted = frozenset(user for user, one in said.items() if one.get((ANYTHING, "person"), True) is False)
    found = Standing(rules, restricted)
    for purpose in PURPOSES:
        named = rules["analytics"].exceptions | rules[purpose].exceptions | restricted
        found.barred[purpose] = tuple(sorted(user for user in named if not found.may_use(user, purpose)))
    return found


def _born_after(settings: TenantSettings, day: date) -> date | None:
    """Born later, one may be a child; None: everyone's age is needed, since whose is unknown is taken for one."""
    if settings.unknown_age == "child":
        return None
    limit = max(OLDEST, settings.consent_age or 0)
    return date(day.year - limit - 1, 1, 1)


Said = dict[str, dict[tuple[str, str], bool]]
Known = tuple[Collection[str], Said, dict[str, Person]]


def _said(rows: Iterable[Record]) -> Said:
    """What every user has last said, by purpose and capacity; `last` is who spoke last."""
    found: Said = {}
    for row in sorted(rows, key=lambda row: row["number"]):
        mine = found.setdefault(row["user"], {})
        mine[row["purpose"], row["capacity"]] = mine[row["purpose"], "last"] = row["given"]
    return found


def _shared(rows: list[Record], same: list[tuple[str, str]]) -> list[Record]:
    """The same decisions for the other ids of whoever took them."""
    others: dict[str, list[str]] = {}
    for user, other in same:
        others.setdefault(user, []).append(other)
    return [row | {"user": other} for row in rows for other in others.get(row["user"], ())]


def _rule(purpose: Purpose, settings: TenantSettings, day: date, of: Known) -> Rule:
    users, said, people = of
    usual = holds(settings, purpose)
    default = usual and not is_child(None, settings, day)
    exceptions = set()
    for user in users:
        one = said.get(user, {})
        if is_child(people.get(user), settings, day):
            allowed = one.get((purpose, "guardian"), False) and one.get((purpose, "person"), True)
        else:
            allowed = one.get((purpose, "last"), usual)
        if allowed != default:
            exceptions.add(user)
    nobody = True if purpose in ("analytics", "prediction") else usual
    return Rule(default, frozenset(exceptions), nobody)
