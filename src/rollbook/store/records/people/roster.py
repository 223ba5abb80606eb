"""Roster: writes people, courses, memberships and guardianships, and counts what that changed."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any, Literal

from sqlalchemy import ColumnElement, Connection, Table, or_, select, update

from rollbook.store.records.database import Database, Record, batches
from rollbook.store.records.people.merging import Merge, join, part
from rollbook.store.records.people.persons import PersonRow, Persons
from rollbook.store.records.people.written import Written
from rollbook.store.records.people_tables import guardianships, identities, memberships, people
from rollbook.store.records.tables import courses

MOST_AT_ONCE = 500

# the parts of each table's key that an index finds few rows by; the whole key in one condition finds none faster:
# SQLite would look through all rows of the tenant
SELECTIVE = {
    "courses": ("id",),
    "people": ("id",),
    "identities": ("scheme", "value"),
    "memberships": ("user",),
    "guardianships": ("ward",),
}

Row = Mapping[str, Any]
Lasting = Literal["memberships", "guardianships"]
LASTING: dict[Lasting, Table] = {"memberships": memberships, "guardianships": guardianships}


class Roster:
    """Writes inside a transaction of `People.change`, for one tenant."""

    def __init__(self, database: Database, connection: Connection, tenant: str) -> None:
        self._database = database
        self._connection = connection
        self._tenant = tenant

    def put_people(self, rows: Sequence[PersonRow]) -> Written:
        """Persons with their ids; see `persons.py`."""
        named = {one for row in rows for one in row.ids}
        whose = {(row["scheme"], row["value"]): row["person"] for row in self._found(identities, named)}
        records = {row["id"]: row for row in self._found(people, {(person,) for person in whose.values()})}
        persons = Persons(self._database, self._connection, self._tenant, whose=whose, records=records)
        done = Written()
        for at, row in enumerate(rows):
            persons.put(at, row, done)
        persons.flush()
        return done

    def put_courses(self, rows: Iterable[Row]) -> Written:
        """Courses: `id`, and whichever other columns are told; the others stay."""
        return self._put(courses, rows, {"module": "", "presentation": "", "starts": None, "days": None})

    def put_memberships(self, rows: Sequence[Row]) -> Written:
        """Memberships: `course, user, role, begins, ends, source, ref, seen`. Refused where there is no such course."""
        known = {row["id"] for row in self._found(courses, {(row["course"],) for row in rows})}
        wrong = {
            at: f"there is no course {row['course']!r}; name it in courses first"
            for at, row in enumerate(rows)
            if row["course"] not in known
        }
        done = self._put(memberships, [row for at, row in enumerate(rows) if at not in wrong])
        done.refused = wrong
        return done

    def put_guardianships(self, rows: Iterable[Row]) -> Written:
        """Guardianships: `ward, guardian, verified_by, begins, ends, source, ref, seen`."""
        return self._put(guardianships, rows)

    def end_unseen(self, table: Lasting, source: str, seen: str, day: date) -> int:
        """End what a source told of before, but not in this import; how many."""
        told = LASTING[table]
        return self._end(told, day, told.c.source == source, told.c.seen != seen)

    def end_refs(self, source: str, refs: Collection[str], day: date, *, seen: str = "-") -> int:
        """End what a source calls by these names, unless it told of it in the import `seen`; how many."""
        return sum(
            self._end(told, day, told.c.source == source, told.c.ref.in_(some), told.c.seen != seen)
            for some in _lists(sorted(refs))
            for told in LASTING.values()
        )

    def end_users(self, source: str, users: Collection[str], day: date) -> int:
        """End what a source told of these users; how many."""
        return sum(
            self._end(told, day, told.c.source == source, _about(told, some))
            for some in _lists(sorted(users))
            for told in LASTING.values()
        )

    def join(self, keep: str, merge: str, *, by: str) -> Merge:
        """Make the persons of two users one. Raises Conflict if they are one already."""
        whose = {row["value"]: row["person"] for row in self._found(identities, {("user", keep), ("user", merge)})}
        return join(self._connection, self._tenant, whose[keep], whose[merge], by=by)

    def part(self, merge: str, *, by: str) -> Merge:
        """Undo a merge. Raises NotFound, or Conflict if it was undone before."""
        return part(self._connection, self._tenant, merge, by=by)

    def _end(self, table: Table, day: date, *which: ColumnElement[bool]) -> int:
        still = or_(table.c.ends.is_(None), table.c.ends > day)
        changed = update(table).where(table.c.tenant == self._tenant, still, *which).values(ends=day)
        return self._connection.execute(changed).rowcount

    def _put(self, table: Table, rows: Iterable[Row], defaults: Record | None = None) -> Written:
        """Write what differs; of several rows under one key the last."""
        done = Written()
        keys = [column.name for column in table.primary_key][1:]
        for some in batches(rows, MOST_AT_ONCE):
            last = {tuple(row[key] for key in keys): row for row in some}
            before = {tuple(row[key] for key in keys): row for row in self._found(table, last.keys())}
            writing = []
            for key, row in last.items():
                after = {**(before.get(key) or defaults or {}), **row, "tenant": self._tenant}
                done.note(before.get(key), after)
                writing += [after] if after != before.get(key) else []
            self._database.put(self._connection, table, writing)
        return done

    def _found(self, table: Table, keys: Collection[tuple[str, ...]]) -> Iterator[Record]:
        """The tenant's rows under some keys (the primary key without the tenant)."""
        names = [column.name for column in table.primary_key][1:]
        places = [names.index(name) for name in SELECTIVE[table.name]]
        for some in _lists(sorted(keys)):
            chosen = select(table).where(table.c.tenant == self._tenant)
            for place in places:
                chosen = chosen.where(table.c[names[place]].in_(sorted({key[place] for key in some})))
            wanted = set(some)
            for row in self._connection.execute(chosen).mappings():
                if tuple(row[name] for name in names) in wanted:
                    yield dict(row)


def _about(table: Table, users: Collection[str]) -> ColumnElement[bool]:
    if table is memberships:
        return table.c.user.in_(users)
    return or_(table.c.ward.in_(users), table.c.guardian.in_(users))


def _lists(keys: list[Any]) -> Iterator[list[Any]]:
    return (keys[at : at + MOST_AT_ONCE] for at in range(0, len(keys), MOST_AT_ONCE))
