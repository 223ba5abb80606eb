"""Consents: what people decided about their data, kept whole; and who of them is how old."""

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import func, or_, select

from rollbook.store.records import tables
from rollbook.store.records.consent.tables import decisions, standing
from rollbook.store.records.database import Database, Record
from rollbook.store.records.people_tables import identities, people

USER = "user"
MOST_NAMED = 1_000


class Consents:
    """Decisions of users (stored ids), appended and never changed. Raises Unavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def decide(self, tenant: str, made: Sequence[Mapping[str, Any]]) -> None:
        """Append decisions: `user, purpose, given, capacity, kind, decided_by, evidence, policy`; the last holds."""
        now = datetime.now(UTC)
        of = decisions.c.tenant == tenant
        with self._database.write() as connection:
            self._database.put_new(connection, tables.tenants, [{"id": tenant}])
            # SQLite has the whole file locked by now, and leaves `for update` out
            connection.execute(select(tables.tenants.c.id).where(tables.tenants.c.id == tenant).with_for_update())
            last = connection.scalar(select(func.max(decisions.c.number)).where(of)) or 0
            rows = [{"tenant": tenant, "number": n, "at": now} | dict(row) for n, row in enumerate(made, last + 1)]
            self._database.put_new(connection, decisions, rows)
            last_words = {(row["user"], row["purpose"], row["capacity"]): row for row in rows}
            held = [{column.name: row[column.name] for column in standing.c} for row in last_words.values()]
            self._database.put(connection, standing, held)

    def version(self, tenant: str) -> tuple[Any, ...]:
        """Another one after every decision in a tenant, whichever process took it."""
        of = decisions.c.tenant == tenant
        last = select(decisions.c.number, decisions.c.at).where(of).order_by(decisions.c.number.desc()).limit(1)
        return tuple(value for row in self._database.rows(last) for value in row.values())

    def standing(self, tenant: str, *, after: int = 0) -> list[Record]:
        """What holds now: `user, purpose, capacity, given, number`; only what was decided after a number, if named."""
        columns = (standing.c.user, standing.c.purpose, standing.c.capacity, standing.c.given, standing.c.number)
        chosen = select(*columns).where(standing.c.tenant == tenant, standing.c.number > after)
        return self._database.rows(chosen)

    def standing_of(self, tenant: str, users: Collection[str]) -> list[Record]:
        """What holds now of some users, in the order in which it was decided."""
        chosen = select(standing).where(standing.c.tenant == tenant, standing.c.user.in_(users))
        return self._database.rows(chosen.order_by(standing.c.number))

    def history(self, tenant: str, users: Collection[str]) -> list[Record]:
        """Every decision of some users, the first first."""
        chosen = select(decisions).where(decisions.c.tenant == tenant, decisions.c.user.in_(users))
        return self._database.rows(chosen.order_by(decisions.c.number))

    def persons(self, tenant: str, born_after: date | None) -> dict[str, list[Record]]:
        """What is known of people, by user: those born after a day, or all; records that were merged together.

        The one that stands for all of them is the first.
        """
        mine, other = people.alias("mine"), people.alias("other")
        chosen = (
            select(identities.c.value.label("user"), other)
            .join(mine, (mine.c.tenant == identities.c.tenant) & (mine.c.id == identities.c.person))
            .join(other, (other.c.tenant == mine.c.tenant) & (other.c.root == mine.c.root))
            .where(identities.c.tenant == tenant, identities.c.scheme == USER)
            .order_by((other.c.id == other.c.root).desc(), other.c.created)
        )
        if born_after is not None:
            young = or_(people.c.birth_date > born_after, people.c.birth_year >= born_after.year)
            chosen = chosen.where(mine.c.root.in_(select(people.c.root).where(people.c.tenant == tenant, young)))
        found: dict[str, list[Record]] = {}
        for row in self._database.rows(chosen):
            found.setdefault(row["user"], []).append(row)
        return found

    def same(self, tenant: str, users: Collection[str] | None = None) -> list[tuple[str, str]]:
        """Pairs of a user (of those named, or who have decided anything) and another id of the same person."""
        mine, other = identities.alias("mine"), identities.alias("other")
        my_person, other_person = people.alias("my_person"), people.alias("other_person")
        chosen = (
            select(mine.c.value.label("user"), other.c.value.label("same"))
            .join(my_person, (my_person.c.tenant == mine.c.tenant) & (my_person.c.id == mine.c.person))
            .join(other_person, (other_person.c.tenant == mine.c.tenant) & (other_person.c.root == my_person.c.root))
            .join(other, (other.c.tenant == mine.c.tenant) & (other.c.person == other_person.c.id))
            .where(mine.c.tenant == tenant, mine.c.scheme == USER, other.c.scheme == USER)
            .where(mine.c.value != other.c.value)
        )
        if users is None or len(users) > MOST_NAMED:
            users_of = select(standing.c.user).where(standing.c.tenant == tenant)
            found = self._database.rows(chosen.where(mine.c.value.in_(users_of)))
        else:
            found = self._database.rows(chosen.where(mine.c.value.in_(users)))
        return [(row["user"], row["same"]) for row in found]
