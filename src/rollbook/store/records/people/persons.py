"""Persons: writes who is known by which ids.

A new user with an id that somebody has already is that person: the two are merged, which can be undone. A user who is
a person already, and comes with an id of another, is refused: whether they are one is for a human to say.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection

from rollbook.store.records.database import Database, Record
from rollbook.store.records.people.merging import join
from rollbook.store.records.people.written import Written
from rollbook.store.records.people_tables import identities, people

# families share addresses: that two users have the same is no proof that they are one person
SHARED = frozenset({"email"})

Identity = tuple[str, str]


@dataclass(frozen=True, slots=True)
class PersonRow:
    """What is told of a user: facts (columns of `people`; what is not named stays) and other ids of the same person."""

    user: str
    facts: Mapping[str, Any]
    others: tuple[Identity, ...] = ()

    @property
    def ids(self) -> tuple[Identity, ...]:
        """All ids, the user's first."""
        return (("user", self.user), *self.others)


class Persons:
    """Writes persons of a tenant, many at a time. `whose`: the persons of all ids that will come; `records`: theirs."""

    def __init__(
        self,
        database: Database,
        connection: Connection,
        tenant: str,
        *,
        whose: dict[Identity, str],
        records: dict[str, Record],
    ) -> None:
        self._database = database
        self._connection = connection
        self._tenant = tenant
        self._whose = whose
        self._records = records
        self._changed: dict[str, Record] = {}
        self._named: list[Record] = []

    def put(self, place: int, row: PersonRow, done: Written) -> None:
        """Write one soon, or refuse it; `done` counts it."""
        mine = self._whose.get(("user", row.user))
        others = {one: self._whose[one] for one in row.others if one in self._whose and self._whose[one] != mine}
        wrong = self._wrong(mine, others)
        if wrong:
            done.refused[place] = wrong
            return
        person = mine or f"person-{secrets.token_hex(8)}"
        before = self._records.get(person)
        after = {**(before or _nobody(self._tenant, person)), **row.facts}
        done.note(before, after)
        if after != before:
            self._records[person] = self._changed[person] = after
        self._name(person, row)
        if mine is None and others:
            self.flush()
            joined = join(self._connection, self._tenant, min(others.values()), person, by="roster")
            self._records[person] = after | {"root": joined.root}

    def flush(self) -> None:
        """Write what waits."""
        self._database.put(self._connection, people, list(self._changed.values()))
        self._database.put_new(self._connection, identities, self._named)
        self._changed.clear()
        self._named.clear()

    def _wrong(self, mine: str | None, others: Mapping[Identity, str]) -> str | None:
        """Why a person cannot have all these ids, if they cannot."""
        root = self._records[mine]["root"] if mine else None
        foreign = {one: found for one, whose in others.items() if (found := self._records[whose]["root"]) != root}
        for scheme, _ in foreign:
            if mine is not None or scheme in SHARED:
                return f"their {scheme} id is another person's already; merge the two if they are one person"
        return "their ids are of several persons; merge those first" if len(set(foreign.values())) > 1 else None

    def _name(self, person: str, row: PersonRow) -> None:
        now = datetime.now(UTC)
        for scheme, value in row.ids:
            if (scheme, value) not in self._whose:
                self._whose[scheme, value] = person
                new = {"tenant": self._tenant, "scheme": scheme, "value": value, "person": person, "since": now}
                self._named.append(new)


def _nobody(tenant: str, person: str) -> Record:
    nothing: Record = {"birth_date": None, "birth_year": None, "country": "", "postsecondary_from": None, "traits": {}}
    return {"tenant": tenant, "id": person, "root": person, "created": datetime.now(UTC)} | nothing
