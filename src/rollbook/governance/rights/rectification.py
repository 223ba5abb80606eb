"""Rectification: what is wrong about a person is put right, in the records and in their events."""

from datetime import date
from typing import Any

from rollbook.store import Store
from rollbook.store.erasing import correct_events
from rollbook.store.records import holdings
from rollbook.store.records.holdings import Known

DATES = ("birth_date", "postsecondary_from")


def rectify(store: Store, tenant: str, known: Known, right: dict[str, Any]) -> dict[str, int]:
    """Correct; how many records and events were changed. What questions answer follows at once."""
    changed = {"learners": 0, "people": 0, "events": 0}
    facts = dict(right.get("person") or {})
    facts |= {name: date.fromisoformat(facts[name]) for name in DATES if facts.get(name)}
    with store.records.database.write() as connection:
        if right.get("traits"):
            changed["learners"] = holdings.correct_traits(connection, tenant, known.users, right["traits"])
        if facts:
            changed["people"] = holdings.correct_person(connection, tenant, known.persons, facts)
    store.records.people.recent.forget()
    if right.get("events"):
        changed["events"] = correct_events(store, tenant, known.users, right["events"])
    return changed
