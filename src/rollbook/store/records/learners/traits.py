"""Traits of learners: told by `identify` events and imports, or by the roster."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from rollbook.store.records import tables
from rollbook.store.records.database import Database, Record
from rollbook.store.records.people_tables import identities, people
from rollbook.store.records.tables import learners

Traits = dict[str, Any]

MOST_TRAITS = 50
# in one condition
MOST_NAMED = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What the event `id` said at `at` of a user (a stored id); None takes a trait back."""

    tenant: str
    id: str
    user: str
    at: datetime
    traits: Traits


class TraitRecords:
    """The traits of all tenants' learners. Raises Unavailable if the database cannot be used."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._changes = 0

    @property
    def changes(self) -> int:
        """How often something was told in this process."""
        return self._changes

    def tell(self, told: Sequence[Told]) -> None:
        """Change traits, each learner's in the order of time; what is older than the newest adds only what is missing.

        The same again changes nothing.
        """
        with self._database.write() as connection:
            tenants = sorted({one.tenant for one in told})
            self._database.put_new(connection, tables.tenants, [{"id": tenant} for tenant in tenants])
            for tenant in tenants:
                mine = [one for one in told if one.tenant == tenant]
                self._tell(connection, tenant, sorted(mine, key=lambda one: (one.at, one.id)))
        self._changes += 1

    def _tell(self, connection: Connection, tenant: str, told: list[Told]) -> None:
        records: dict[str, Record] = {}
        for some in _lists({one.user for one in told}):
            chosen = select(learners).where(learners.c.tenant == tenant, learners.c.id.in_(some))
            records |= {row["id"]: dict(row) for row in connection.execute(chosen).mappings()}
        for one in told:
            before = records.get(one.user) or {"tenant": tenant, "id": one.user, "traits": {}, "told": None}
            records[one.user] = _changed(before, one)
        self._database.put(connection, learners, list(records.values()))

    def of(self, tenant: str, users: Collection[str]) -> dict[str, Traits]:
        """What is known of some users: the roster's traits, and above them what was told of the learner."""
        found: dict[str, Traits] = {}
        named = (identities.c.tenant == people.c.tenant) & (identities.c.person == people.c.id)
        for some in _lists(users):
            roster = select(identities.c.value.label("id"), people.c.traits).join(people, named)
            theirs = roster.where(
                identities.c.tenant == tenant, identities.c.scheme == "user", identities.c.value.in_(some)
            )
            own = select(learners.c.id, learners.c.traits).where(learners.c.tenant == tenant, learners.c.id.in_(some))
            for row in (*self._database.rows(theirs), *self._database.rows(own)):
                found[row["id"]] = found.get(row["id"], {}) | (row["traits"] or {})
        return found


def _changed(before: Record, told: Told) -> Record:
    """A learner's record after something was told; at most MOST_TRAITS are kept, the first ones."""
    known: Traits = before["traits"] or {}
    is_newest = before["told"] is None or told.at >= before["told"]
    after = known | told.traits if is_newest else told.traits | known
    kept = {name: value for name, value in after.items() if value is not None}
    if len(kept) > MOST_TRAITS:
        kept = dict(list(kept.items())[:MOST_TRAITS])
    return before | {"traits": kept, "told": told.at if is_newest else before["told"]}


def _lists(names: Iterable[str]) -> list[list[str]]:
    ordered = sorted(names)
    return [ordered[at : at + MOST_NAMED] for at in range(0, len(ordered), MOST_NAMED)]
