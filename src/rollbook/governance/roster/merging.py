"""Merging: two users turn out to be one person, or not to be after all."""

from dataclasses import dataclass

from rollbook.errors import Invalid
from rollbook.governance.pseudonyms import known_as
from rollbook.store import Store
from rollbook.store.records.people import People
from rollbook.store.records.people.merging import Merge
from rollbook.store.records.people.persons import PersonRow


@dataclass(frozen=True, slots=True)
class Merged:
    """A merge or its undoing: the users of the person that was kept, and those of the one that was merged into it."""

    merge_id: str
    kept: tuple[str, ...]
    merged: tuple[str, ...]


def merge(store: Store, tenant: str, keep: str, other: str, *, by: str) -> Merged:
    """Make the person of another user one with that of `keep`. Raises Conflict if they are one already."""
    kept, merged = known_as(store, tenant, keep), known_as(store, tenant, other)
    if kept == merged:
        raise Invalid("merging needs two users; these are one and the same")
    people = store.records.people
    with people.roster(tenant) as roster:
        # users that only events know become persons
        roster.put_people([PersonRow(kept, {}), PersonRow(merged, {})])
        made = roster.join(kept, merged, by=by)
    return _told(people, tenant, made)


def undo(store: Store, tenant: str, merge_id: str, *, by: str) -> Merged:
    """Make them two again, exactly as before. Raises NotFound, or Conflict if it was undone before."""
    people = store.records.people
    with people.roster(tenant) as roster:
        made = roster.part(merge_id, by=by)
    return _told(people, tenant, made)


def _told(people: People, tenant: str, made: Merge) -> Merged:
    moved = {row["value"] for row in people.identities(tenant, made.merged) if row["person"] in made.moved}
    kept = (user for user in people.users_of(tenant, made.kept) if user not in moved)
    return Merged(made.id, tuple(kept), tuple(user for user in people.users_of(tenant, made.merged) if user in moved))
