"""Holdings: where a person stands in the records; found for an access request, removed for an erasure.

No table is listed: a column says by its name whose row it is, and a test holds every column of every table to that.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, String, Table, delete, func, select, update

from rollbook.store.records.database import Database, Record
from rollbook.store.records.people_tables import identities, people
from rollbook.store.records.tables import learners, metadata

Place = tuple[Table, Column[Any], tuple[str, ...]]

# the row is theirs and goes with them
ROW_OF = frozenset({"user", "learner", "ward", "guardian", "student", "subject"})
# the row is somebody else's, and only says that they did it
DONE_BY = frozenset(
    {"verified_by", "made_by", "undone_by", "decided_by", "released_by", "placed_by", "lifted_by", "created_by"}
)


@dataclass(frozen=True, slots=True)
class Known:
    """All that a person is known by: `users` as events name them, `persons` in the roster, `words` of any kind."""

    users: tuple[str, ...]
    persons: tuple[str, ...] = ()
    words: tuple[str, ...] = ()


def persons(database: Database, tenant: str, users: Sequence[str]) -> tuple[list[str], list[str]]:
    """The persons that these users are, merged ones too, and the values of all their identities."""
    of, ids = people.c, identities.c
    roots = select(of.root).join(identities, (ids.tenant == of.tenant) & (ids.person == of.id))
    roots = roots.where(ids.tenant == tenant, ids.scheme == "user", ids.value.in_(users))
    found = [row["id"] for row in database.rows(select(of.id).where(of.tenant == tenant, of.root.in_(roots)))]
    values = database.rows(select(ids.value).where(ids.tenant == tenant, ids.person.in_(found)))
    return found, [row["value"] for row in values]


def is_row_of(table: Table, column: Column[Any]) -> bool:
    """Whether the column holds the stored id of the person whose row it is."""
    return isinstance(column.type, String) and (column.name in ROW_OF or column is learners.c.id)


def places(known: Known) -> Iterator[Place]:
    """Every table and column whose rows are the person's, and what stands there; what others hang on comes first."""
    for table in metadata.sorted_tables:
        if "tenant" in table.c:
            yield from ((table, column, known.users) for column in table.c if is_row_of(table, column))
    if known.persons:
        yield people, people.c.id, known.persons
        yield identities, identities.c.person, known.persons


def rows(database: Database, tenant: str, known: Known) -> dict[str, list[Record]]:
    """The person's rows by table."""
    found: dict[str, list[Record]] = {}
    for table, column, values in places(known):
        some = database.rows(select(table).where(table.c.tenant == tenant, column.in_(values)))
        held = found.setdefault(table.name, [])
        held += [row for row in some if row not in held]
    return {name: some for name, some in found.items() if some}


def remove(connection: Connection, tenant: str, known: Known) -> dict[str, int]:
    """Remove the person's rows, and their name from what they did for others; how many rows by table."""
    counts: dict[str, int] = {}
    for table, column, values in reversed(list(places(known))):
        mine = (table.c.tenant == tenant, column.in_(values))
        counts[table.name] = counts.get(table.name, 0) + _count(connection, table, mine)
        connection.execute(delete(table).where(*mine))
    for table, column in _doers():
        mine = (table.c.tenant == tenant, column.in_(known.words))
        counts[table.name] = counts.get(table.name, 0) + _count(connection, table, mine)
        connection.execute(update(table).where(*mine).values({column.name: None if column.nullable else ""}))
    return {name: count for name, count in counts.items() if count}


def correct_traits(connection: Connection, tenant: str, users: Sequence[str], traits: dict[str, Any]) -> int:
    """Change some traits of learners (None takes one out); how many records it changed."""
    changed = 0
    here = (learners.c.tenant == tenant, learners.c.id.in_(users))
    for row in connection.execute(select(learners.c.id, learners.c.traits).where(*here)).all():
        kept = {name: value for name, value in {**row.traits, **traits}.items() if value is not None}
        one = (learners.c.tenant == tenant, learners.c.id == row.id)
        changed += connection.execute(update(learners).where(*one).values(traits=kept)).rowcount
    return changed


def correct_person(connection: Connection, tenant: str, ids: Sequence[str], facts: dict[str, Any]) -> int:
    """Change what is known of persons (columns of `people`); how many records it changed."""
    here = (people.c.tenant == tenant, people.c.id.in_(ids))
    return connection.execute(update(people).where(*here).values(facts)).rowcount


def leave_nothing(database: Database) -> str:
    """Make the database give up what was deleted; what was done, in words."""
    if database.is_sqlite:
        busy = database.checkpoint()
        return "freed pages are overwritten; the write-ahead log is " + (
            "read yet, and emptied later" if busy else "emptied"
        )
    database.vacuum([table.name for table in metadata.sorted_tables])
    return "dead rows are vacuumed; PostgreSQL's own log and backups follow their own expiry"


def _doers() -> Iterator[tuple[Table, Column[Any]]]:
    for table in metadata.sorted_tables:
        if "tenant" in table.c:
            yield from ((table, column) for column in table.c if column.name in DONE_BY)


def _count(connection: Connection, table: Table, where: Sequence[ColumnElement[bool]]) -> int:
    return connection.execute(select(func.count()).select_from(table).where(*where)).scalar_one()
