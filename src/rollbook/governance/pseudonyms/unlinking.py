"""Unlinking: destroys what leads from a tenant's pseudonyms to people. The events stay, so it is no anonymisation."""

from dataclasses import dataclass

from rollbook.errors import Conflict
from rollbook.governance.pseudonyms.pseudonyms import pseudonyms_of
from rollbook.store import Store, dead_letters
from rollbook.store.records.holdings import leave_nothing
from rollbook.store.records.sealing import SealedRecords


@dataclass(frozen=True, slots=True)
class Unlinked:
    """How much was destroyed; `records`: what became of freed space in the records, in words."""

    keys: int
    names: int
    dead_letters: int
    records: str


def unlink(store: Store, tenant: str) -> Unlinked:
    """Destroy the keys of the tenant's pseudonyms, its directory and its dead letters (they hold ids as they came).

    Nothing stored can be led back to an id by Rollbook after that, and no id to what is stored: a user who comes again
    gets another pseudonym. Raises Conflict for a tenant without pseudonyms.
    """
    pseudonyms, records = pseudonyms_of(store), SealedRecords(store.records.database)
    if not pseudonyms.tenants.settings(tenant).pseudonyms:
        raise Conflict(f"tenant {tenant!r} keeps user ids as they are given; there is no key to destroy")
    # the keys last: whoever is stopped on the way can begin again
    names = records.remove_names(tenant)
    letters = dead_letters.remove(store.engine, tenant)
    keys = pseudonyms.sealing.destroy(tenant, "letters") + pseudonyms.sealing.destroy(tenant, "people")
    pseudonyms.forget(tenant)
    return Unlinked(keys, names, letters, leave_nothing(store.records.database))
