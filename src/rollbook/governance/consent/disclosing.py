"""Directory information: what a tenant shows of its people to anyone of its roles, unless they do not want it.

FERPA, 34 CFR 99.3 and 99.37: the institution says which kinds it is, and whoever opts out (below 18 a guardian, too) is
left out. Opting out is to withdraw the purpose `sharing`.
"""

from typing import Any

from rollbook.governance.consent.standing import standing_of, standings
from rollbook.governance.people import same_person
from rollbook.governance.tenants import tenants_of
from rollbook.store import Store


def directory_information(store: Store, tenant: str, user: str) -> dict[str, Any]:
    """The traits of a user (as stored) that the tenant's setting `directory_information` names; none after an opt-out.

    Raises Unavailable.
    """
    names = tenants_of(store).settings(tenant).directory_information
    if not names or user in standing_of(store, tenant).restricted or _has_opted_out(store, tenant, user):
        return {}
    known: dict[str, Any] = {}
    for record in reversed(store.records.people.persons_of(tenant, user)):
        known |= record["traits"]
    return {name: known[name] for name in names if name in known}


def _has_opted_out(store: Store, tenant: str, user: str) -> bool:
    """Whether the last word on sharing, of the person or a guardian, was no."""
    said = standings(store).records.standing_of(tenant, same_person(store, tenant, user))
    words = [row["given"] for row in said if row["purpose"] == "sharing"]
    return bool(words) and not words[-1]
