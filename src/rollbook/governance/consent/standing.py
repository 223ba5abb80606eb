"""Standing: of whom which purpose is allowed now, worked out anew when anything has changed.

A decision of this process holds at once, one of another within half a second. Who is how old, and which ids are one
person, is read again after a change in this process; where others write to the same records, every some seconds too.
"""

import math
import threading
import time
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary

from rollbook.governance.ages import OLDEST
from rollbook.governance.consent.purposes import Purpose
from rollbook.governance.consent.rules import ANYTHING, Facts, Rule, Standing, changed, standing
from rollbook.governance.people import known, today
from rollbook.governance.pseudonyms import pseudonyms_of
from rollbook.governance.tenants import TenantSettings, tenants_of
from rollbook.governance.tombstones import tombstones_of
from rollbook.store import Store
from rollbook.store.privacy.everyone import everyone
from rollbook.store.records.consent import Consents

__all__ = ["ANYTHING", "Rule", "Standing", "left_out", "standing_of", "standings"]

AT_MOST_SECONDS_OLD = 0.5
PEOPLE_SECONDS_OLD = 15.0
MOST_KEPT = 10_000


@dataclass(frozen=True, slots=True)
class _Kept:
    """A tenant's standing: the facts and the version of decisions that it follows from, and `made_of` what else.

    `made`, `checked`: when it was worked out from scratch, and last found to hold, after which `changes`.
    """

    standing: Standing
    facts: Facts
    version: tuple[Any, ...]
    made_of: tuple[Any, ...]
    made: float
    checked: float
    changes: tuple[int, ...]


class Standings:
    """The standings of a store's tenants."""

    def __init__(self, store: Store) -> None:
        self.records = Consents(store.records.database)
        self._kept: dict[str, _Kept] = {}
        self._strangers: dict[tuple[str, Purpose], tuple[float, Standing, tuple[str, ...]]] = {}
        self._working = threading.Lock()
        self._decisions = 0

    def of(self, store: Store, tenant: str) -> Standing:
        """How a tenant's people stand now. Raises Unavailable."""
        kept = self._kept.get(tenant)
        settings = tenants_of(store).settings(tenant)
        # read before the records: what changes after them is a later change
        changes = (self._decisions, store.records.people.recent.changes)
        same = kept is not None and kept.changes == changes and kept.facts.settings is settings
        if kept is not None and same and time.monotonic() - kept.checked <= AT_MOST_SECONDS_OLD:
            return kept.standing
        with self._working:
            return self._checked(store, tenant, settings, changes).standing

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

    def _checked(self, store: Store, tenant: str, settings: TenantSettings, changes: tuple[int, ...]) -> _Kept:
        """What is kept, brought up to date."""
        now, kept = time.monotonic(), self._kept.get(tenant)
        day, buried, version = today(store, tenant), tombstones_of(store), self.records.version(tenant)
        # a change of the pseudonyms' key renames everyone
        made_of = (settings, day, changes[1], buried.version(tenant), pseudonyms_of(store).chain(tenant))
        limit = math.inf if store.engine.embedded else PEOPLE_SECONDS_OLD
        # an erasure takes numbers back
        is_more = kept is not None and (version == kept.version or version[:1] > kept.version[:1])
        if kept is None or kept.made_of != made_of or now - kept.made > limit or not is_more:
            facts = self._facts(tenant, settings, day)
            found = standing(facts)
            if buried.version(tenant):
                analytics = replace(found.rules["analytics"], is_erased=partial(buried.is_erased, tenant))
                found.rules["analytics"] = analytics
            kept = _Kept(found, facts, version, made_of, now, now, changes)
        elif version != kept.version:
            since = self.records.standing(tenant, after=kept.version[0] if kept.version else 0)
            users = kept.facts.hear(since, self.records.same(tenant, {row["user"] for row in since}))
            kept = replace(kept, standing=changed(kept.standing, kept.facts, users), version=version)
        kept.facts.settings = settings
        if len(self._kept) >= MOST_KEPT:
            self._kept.clear()
            self._strangers.clear()
        self._kept[tenant] = replace(kept, checked=now, changes=changes)
        return kept

    def _facts(self, tenant: str, settings: TenantSettings, day: date) -> Facts:
        persons = self.records.persons(tenant, _born_after(settings, day))
        facts = Facts(settings, day, {user: known(rows) for user, rows in persons.items()})
        facts.hear(self.records.standing(tenant), self.records.same(tenant))
        return facts


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


def _born_after(settings: TenantSettings, day: date) -> date | None:
    """Born later, one may be a child; None: everyone's age is needed, since whose is unknown is taken for one."""
    if settings.unknown_age == "child":
        return None
    limit = max(OLDEST, settings.consent_age or 0)
    return date(day.year - limit - 1, 1, 1)
