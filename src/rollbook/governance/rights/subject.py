"""Subject: the person that a request is about, by everything they are known by."""

import json
from dataclasses import asdict

from rollbook.governance.people import same_person
from rollbook.governance.pseudonyms import pseudonyms_of
from rollbook.store import Store
from rollbook.store.records.holdings import Known, persons

CONTEXT = "privacy request"


def subject(store: Store, tenant: str, given: str) -> Known:
    """Who a user id means: all ids of the person, in every form they were ever stored in, and all words for them."""
    pseudonyms = pseudonyms_of(store)
    same = same_person(store, tenant, pseudonyms.of(tenant, given))
    # the present form of the one that was named comes first: what is decided for it holds for all
    users = list(dict.fromkeys([*same, *(form for user in same for form in pseudonyms.forms(tenant, user))]))
    found, words = persons(store.records.database, tenant, users)
    return Known(tuple(users), tuple(found), tuple(sorted({given, *users, *found, *words} - {""})))


def sealed(store: Store, tenant: str, known: Known) -> bytes:
    """The person, to be kept in a request."""
    return pseudonyms_of(store).sealing.seal(tenant, json.dumps(asdict(known)).encode(), context=CONTEXT)


def unsealed(store: Store, tenant: str, kept: bytes) -> Known:
    """The person of a request."""
    found = json.loads(pseudonyms_of(store).sealing.unseal(tenant, kept, context=CONTEXT))
    return Known(**{name: tuple(values) for name, values in found.items()})
