"""Merging: two persons become one, and two again.

Nothing moves. A merge says of one person that another stands for it, and `root` of everyone it touches follows; so
merges can be undone in any order, and everything else is as it was before.
"""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection, insert, select, update

from rollbook.errors import Conflict, NotFound
from rollbook.store.records.people_tables import merges, people


@dataclass(frozen=True, slots=True)
class Merge:
    """A merge: `kept` stands for `merged`, and so for all of `moved`; `root` for all of them."""

    id: str
    kept: str
    merged: str
    moved: tuple[str, ...]
    root: str


def join(connection: Connection, tenant: str, keep: str, merge: str, *, by: str) -> Merge:
    """Make two persons one. Raises NotFound, or Conflict if they are one already."""
    kept, merged = _root(connection, tenant, keep), _root(connection, tenant, merge)
    if kept == merged:
        raise Conflict("they are one person already")
    moved = _with_root(connection, tenant, merged)
    made = Merge(f"merge-{secrets.token_hex(8)}", kept, merged, tuple(moved), kept)
    row = {"tenant": tenant, "id": made.id, "kept": kept, "merged": merged, "moved": moved}
    connection.execute(insert(merges), [row | {"made": datetime.now(UTC), "made_by": by}])
    _set_root(connection, tenant, moved, kept)
    return made


def part(connection: Connection, tenant: str, merge: str, *, by: str) -> Merge:
    """Undo a merge. Raises NotFound, or Conflict if it was undone before."""
    here = (merges.c.tenant == tenant, merges.c.id == merge)
    found = connection.execute(select(merges).where(*here)).mappings().first()
    if found is None:
        raise NotFound(f"there is no merge {merge!r}")
    if found["undone"] is not None:
        raise Conflict(f"merge {merge} was undone before, at {found['undone']:%Y-%m-%d %H:%M} UTC")
    connection.execute(update(merges).where(*here).values(undone=datetime.now(UTC), undone_by=by))
    moved = sorted(_beneath(connection, tenant, found["merged"]))
    _set_root(connection, tenant, moved, found["merged"])
    return Merge(merge, found["kept"], found["merged"], tuple(moved), found["merged"])


def _root(connection: Connection, tenant: str, person: str) -> str:
    found: str | None = connection.scalar(select(people.c.root).where(people.c.tenant == tenant, people.c.id == person))
    if found is None:
        raise NotFound(f"there is no person {person!r}")
    return found


def _with_root(connection: Connection, tenant: str, root: str) -> list[str]:
    found = select(people.c.id).where(people.c.tenant == tenant, people.c.root == root)
    return sorted(connection.scalars(found))


def _set_root(connection: Connection, tenant: str, persons: list[str], root: str) -> None:
    for person in persons:
        connection.execute(update(people).where(people.c.tenant == tenant, people.c.id == person).values(root=root))


def _beneath(connection: Connection, tenant: str, top: str) -> set[str]:
    """A person and all for whom they stand, by the merges that hold."""
    found, looking = {top}, {top}
    while looking:
        standing = select(merges.c.merged).where(
            merges.c.tenant == tenant, merges.c.undone.is_(None), merges.c.kept.in_(looking)
        )
        looking = set(connection.scalars(standing)) - found
        found |= looking
    return found
