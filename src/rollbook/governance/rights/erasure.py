"""Erasure, step by step. Each step may be done again without harm; together they leave nothing but digests."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rollbook.errors import Unavailable
from rollbook.governance.audit import Trail
from rollbook.governance.consent.standing import standings
from rollbook.governance.lifecycle.archives import remove_people
from rollbook.governance.lifecycle.holds import held as holds_on
from rollbook.governance.rights.held import named_letters
from rollbook.governance.rights.packages import Packages
from rollbook.governance.rights.shared import forget, forget_events
from rollbook.governance.tombstones import tombstones_of
from rollbook.store import Store
from rollbook.store.erasing import Erasing, is_telling
from rollbook.store.records import holdings
from rollbook.store.records.holdings import Known
from rollbook.store.records.rights import RightsRecords

Told = dict[str, Any]

MOST_ROUNDS = 5

STAYS = {
    "tombstone": "a keyed digest of each id, so that no replay, import or restore brings the person back",
    "this request": "its kind, times and receipt, with a keyed digest instead of the person",
    "audit lines": "keyed digests without their keys: the chain still verifies, and leads to nobody",
    "event keys": "128-bit hashes of event ids, until the window of counting once is over",
    "counters": "how many events came in each minute, which say nothing of anybody",
    "outside": "copies made before: exports that were downloaded, backups, and what a log collector keeps",
}


@dataclass(frozen=True, slots=True)
class Erasure:
    """One erasure: whose, in which tenant, by which request."""

    store: Store
    tenant: str
    request: str
    known: Known
    trail: Trail | None = None


def barred(erasure: Erasure) -> str:
    """Why the erasure may not be done now; "" if it may."""
    holds = {hold.id: hold for user in erasure.known.users for hold in holds_on(erasure.store, erasure.tenant, user)}
    if not holds:
        return ""
    return f"a legal hold stands ({', '.join(sorted(holds))}); what is held is not erased until it is lifted"


def stock(erasure: Erasure) -> Told:
    """Let nothing of the person come in any more, and count what there is."""
    store = erasure.store
    tombstones_of(store).bury(erasure.tenant, erasure.known.users, erasure.request)
    standings(store).forget()
    erasing = Erasing(store.engine)
    with erasing.of(erasure.known.users):
        return {"rows": erasing.held(erasure.tenant)}


def events(erasure: Erasure) -> Told:
    """Remove their events and what was counted from them, and their names from other people's events."""
    store, erasing = erasure.store, Erasing(erasure.store.engine)
    with store.rollups.resting(), erasing.of(erasure.known.users, erasure.known.words):
        removed = erasing.remove(erasure.tenant)
        return {"removed": removed, "names_taken_out": erasing.redact(erasure.tenant)}


def letters(erasure: Erasure) -> Told:
    """Remove the dead letters that name them."""
    found = [row["id"] for row in named_letters(erasure.store, erasure.tenant, erasure.known)]
    return {"removed": Erasing(erasure.store.engine).remove_letters(erasure.tenant, found)}


def archives(erasure: Erasure) -> Told:
    """Write the archives anew without their events, and without their names in other people's."""
    known = erasure.known
    return {"files_replaced": remove_people(erasure.store, erasure.tenant, known.users, known.words)}


def files(erasure: Erasure) -> Told:
    """Remove the packages of their access requests."""
    store = erasure.store
    digests = tombstones_of(store).digests(erasure.tenant, erasure.known.users)
    records, packages = RightsRecords(store.records.database), Packages(store)
    theirs = [row["id"] for row in records.listed(erasure.tenant, digests, limit=10_000)]
    gone = [request for request in theirs if packages.remove(request)]
    for request in theirs:
        records.change(request, package_until=None)
    return {"packages": len(gone)}


def shared(erasure: Erasure) -> Told:
    """Remove what Redis holds of them: what several processes share for a moment, and published events."""
    settings = erasure.store.settings
    if not settings.redis:
        return {}
    return {
        "keys": forget(settings.redis, erasure.known.words),
        "events": forget_events(settings, erasure.tenant, erasure.known),
    }


def records(erasure: Erasure) -> Told:
    """Remove their records, and their name from what they did for others."""
    database = erasure.store.records.database
    with database.write() as connection:
        removed = holdings.remove(connection, erasure.tenant, erasure.known)
    erasure.store.records.people.recent.forget()
    standings(erasure.store).forget()
    return {"removed": removed}


def trail(erasure: Erasure) -> Told:
    """Destroy the keys of their identities in the trail: its lines stay, and no longer say who it was."""
    if erasure.trail is None:
        return {}
    return {"identities_forgotten": erasure.trail.forget(erasure.tenant, *erasure.known.words)}


def disk(erasure: Erasure) -> Told:
    """See that nothing came in meanwhile, and wait until nothing of it is left on the disk."""
    erasing = Erasing(erasure.store.engine)
    for _ in range(MOST_ROUNDS):
        with erasing.of(erasure.known.users):
            held = erasing.held(erasure.tenant)
        if not held:
            break
        events(erasure)
    else:
        raise Unavailable("events of the person keep coming in; a process that writes does not know the tombstone")
    told = [word for word in erasure.known.words if is_telling(word)]
    forgotten = erasing.forget_mutations(told)
    parts = erasing.leave_no_parts()
    return {
        "replaced_parts_gone": parts,
        "mutation_files_gone": forgotten,
        "records": holdings.leave_nothing(erasure.store.records.database),
    }


# the records last of what is found by them: until then a start after a crash finds everything again
STEPS: dict[str, Callable[[Erasure], Told]] = {
    "stock": stock,
    "events": events,
    "letters": letters,
    "archives": archives,
    "files": files,
    "redis": shared,
    "records": records,
    "trail": trail,
    "disk": disk,
}
