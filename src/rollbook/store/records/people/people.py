"""People: who is who, who is in which course, who answers for whom."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    String,
    Table,
    bindparam,
    literal,
    or_,
    select,
    union_all,
)

from rollbook.store.records import tables
from rollbook.store.records.database import Database, Record
from rollbook.store.records.people.recent import Recent
from rollbook.store.records.people.roster import Roster
from rollbook.store.records.people_tables import guardianships, identities, memberships, merges, people

# what is kept may be made of what was kept, so it is half a second old at most
AT_MOST_SECONDS_OLD = 0.25
USER = "user"

Text = str | ColumnElement[str]

# in one condition: below what SQLite and PostgreSQL take
MOST_NAMED = 1_000


class People:
    """Persons, identities, memberships and guardianships. Users are stored ids, everywhere.

    `recent` keeps for a moment what was read; every change in this process empties it.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self.recent = Recent(AT_MOST_SECONDS_OLD)

    @contextmanager
    def change(self, tenant: str) -> Iterator[Connection]:
        """A transaction that no other change of the tenant's people runs beside; makes the tenant if need be."""
        try:
            with self._database.write() as connection:
                self._database.put_new(connection, tables.tenants, [{"id": tenant}])
                # SQLite has the whole file locked by now, and leaves `for update` out
                connection.execute(select(tables.tenants.c.id).where(tables.tenants.c.id == tenant).with_for_update())
                yield connection
        finally:
            self.recent.forget()

    @contextmanager
    def roster(self, tenant: str) -> Iterator[Roster]:
        """Writes to the tenant's roster, in one transaction."""
        with self.change(tenant) as connection:
            yield Roster(self._database, connection, tenant)

    def anybody(self, tenant: str) -> bool:
        """Whether a tenant has people, memberships or guardianships."""
        known = (
            select(table.c.tenant).where(table.c.tenant == tenant) for table in (people, memberships, guardianships)
        )
        return bool(self._database.rows(union_all(*known).limit(1)))

    def same_person(self, tenant: str, user: str) -> tuple[str, ...]:
        """All user ids of the person that a user is, the given one first; that one alone if nobody knows better."""
        return self.recent.get(("same", tenant, user), lambda: self._same_person(tenant, user))

    def users_of(self, tenant: str, person: str) -> tuple[str, ...]:
        """All user ids of a person and of whom it was merged with."""
        return tuple(row["value"] for row in self.identities(tenant, person) if row["scheme"] == USER)

    def known_by(self, tenant: str, scheme: str, value: str) -> str | None:
        """A user whose person has an id of another scheme, the newest user of several; None: there is nobody."""
        theirs = identities.alias()
        named = (theirs.c.tenant == tenant) & (theirs.c.scheme == scheme) & (theirs.c.value == value)
        found = (
            select(identities.c.value)
            .join(theirs, (theirs.c.tenant == identities.c.tenant) & (theirs.c.person == identities.c.person))
            .where(named, identities.c.scheme == USER)
            .order_by(identities.c.since.desc(), identities.c.value)
        )
        rows = self._database.rows(found.limit(1))
        return rows[0]["value"] if rows else None

    def identities(self, tenant: str, person: str) -> list[Record]:
        """`scheme, value, person, since` of all identities of a person and of whom it was merged with."""
        rows = self._database.rows(_identities(tenant, literal(person)))
        return sorted(rows, key=lambda row: (row["scheme"], row["value"]))

    def persons_of(self, tenant: str, user: str) -> list[Record]:
        """The records of the person that a user is: first the one that stands for all that were merged; none: []."""
        return self.recent.get(("persons", tenant, user), lambda: self._persons_of(tenant, user))

    def memberships(
        self, tenant: str, *, users: Collection[str] | None = None, course: str | None = None
    ) -> list[Record]:
        """A tenant's memberships, of some users or of one course if named, past ones too."""
        wanted = [memberships.c.tenant == tenant]
        wanted += [memberships.c.course == course] if course is not None else []
        return self._named(memberships, memberships.c.user, users, wanted)

    def courses_of(self, tenant: str, users: Collection[str], role: str, day: date) -> tuple[str, ...]:
        """The courses in which any of the users has the role on the day."""
        found = (
            select(memberships.c.course)
            .distinct()
            .where(memberships.c.tenant == tenant, memberships.c.user.in_(users), memberships.c.role == role)
            .where(*_holds(memberships, day))
        )
        return tuple(sorted(row["course"] for row in self._database.rows(found)))

    def guardianships(
        self, tenant: str, *, guardians: Collection[str] | None = None, wards: Collection[str] | None = None
    ) -> list[Record]:
        """A tenant's guardianships, of some guardians or some wards if named, past and unverified ones too."""
        wanted = [guardianships.c.tenant == tenant]
        wanted += [guardianships.c.ward.in_(wards)] if wards is not None else []
        return self._named(guardianships, guardianships.c.guardian, guardians, wanted)

    def merges(self, tenant: str, persons: Collection[str] | None = None) -> list[Record]:
        """The merges of a tenant, undone ones too, the earliest first; of some persons if named."""
        chosen = select(merges).where(merges.c.tenant == tenant)
        if persons is not None:
            chosen = chosen.where(or_(merges.c.kept.in_(persons), merges.c.merged.in_(persons)))
        return self._database.rows(chosen.order_by(merges.c.made, merges.c.id))

    def _same_person(self, tenant: str, user: str) -> tuple[str, ...]:
        found = self._database.rows(_SAME_PERSON, {"of_tenant": tenant, "of_user": user})
        others = sorted(row["value"] for row in found if row["scheme"] == USER and row["value"] != user)
        return (user, *others)

    def _persons_of(self, tenant: str, user: str) -> list[Record]:
        chosen = select(people).where(people.c.tenant == tenant, people.c.root == _root(tenant, _person(tenant, user)))
        return self._database.rows(chosen.order_by((people.c.id == people.c.root).desc(), people.c.created))

    def _named(
        self, table: Table, column: ColumnElement[str], names: Collection[str] | None, wanted: list[ColumnElement[bool]]
    ) -> list[Record]:
        chosen = select(table).where(*wanted).order_by(*table.primary_key)
        if names is None:
            return self._database.rows(chosen)
        return [row for some in _lists(sorted(names)) for row in self._database.rows(chosen.where(column.in_(some)))]


def _person(tenant: Text, user: Text) -> ColumnElement[str]:
    """The person that a user is."""
    mine = identities.alias()
    named = (mine.c.tenant == tenant) & (mine.c.scheme == USER) & (mine.c.value == user)
    return select(mine.c.person).where(named).scalar_subquery()


def _root(tenant: Text, person: ColumnElement[str]) -> ColumnElement[str]:
    """The person that stands for a person."""
    one = people.alias()
    return select(one.c.root).where(one.c.tenant == tenant, one.c.id == person).scalar_subquery()


def _identities(tenant: Text, person: ColumnElement[str]) -> Select[Any]:
    """The identities of a person and of whom it was merged with; every step by an index."""
    group = select(people.c.id).where(people.c.tenant == tenant, people.c.root == _root(tenant, person))
    columns = (identities.c.scheme, identities.c.value, identities.c.person, identities.c.since)
    return select(*columns).where(identities.c.tenant == tenant, identities.c.person.in_(group))


# asked for with every question about a learner; making a statement takes longer than asking it
_OF_TENANT, _OF_USER = bindparam("of_tenant", type_=String), bindparam("of_user", type_=String)
_SAME_PERSON = _identities(_OF_TENANT, _person(_OF_TENANT, _OF_USER))


def _holds(table: Table, day: date) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    begun = or_(table.c.begins.is_(None), table.c.begins <= day)
    return begun, or_(table.c.ends.is_(None), table.c.ends > day)


def _lists(names: list[str]) -> Iterator[list[str]]:
    return (names[at : at + MOST_NAMED] for at in range(0, len(names), MOST_NAMED))
