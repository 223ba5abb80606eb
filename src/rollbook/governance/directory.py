"""The directory: the names behind stored ids, sealed under the tenant's key, for those who may see them."""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from rollbook.errors import Conflict, NotFound
from rollbook.governance.grants import Grant
from rollbook.governance.people import holds, today
from rollbook.governance.pseudonyms import known_as, pseudonyms_of
from rollbook.governance.tenants import tenants_of
from rollbook.store import Store
from rollbook.store.records.sealing import SealedRecords

# name and whatever else is told of a user
Entry = Mapping[str, str]


class Directory:
    """What is known of a tenant's users, by stored id. Raises Conflict for a tenant that keeps no directory."""

    def __init__(self, store: Store, tenant: str) -> None:
        if not tenants_of(store).settings(tenant).directory:
            raise Conflict(f"tenant {tenant!r} keeps no directory; switch its setting `directory` on")
        self._store = store
        self._tenant = tenant
        self._sealing = pseudonyms_of(store).sealing
        self._records = SealedRecords(store.records.database)

    def put(self, entries: Mapping[str, Entry]) -> int:
        """Keep entries by user id, whole; how many."""
        sealed = {}
        for user, entry in entries.items():
            stored = known_as(self._store, self._tenant, user)
            text = msgspec.json.encode(dict(entry))
            sealed[stored] = self._sealing.seal(self._tenant, text, context=context(stored), ring="people")
        self._records.put_names(self._tenant, sealed)
        return len(sealed)

    def of(self, users: Sequence[str]) -> dict[str, Entry]:
        """The entries of some users (stored ids), as far as they have one."""
        return {user: self._opened(user, sealed) for user, sealed in self._records.names(self._tenant, users).items()}

    def remove(self, users: Iterable[str]) -> int:
        """Forget some users (stored ids); how many had an entry."""
        return self._records.remove_names(self._tenant, list(users))

    def _opened(self, user: str, sealed: bytes) -> Entry:
        text = self._sealing.unseal(self._tenant, sealed, context=context(user), ring="people")
        return msgspec.json.decode(text, type=dict[str, str])


def in_course(store: Store, grant: Grant, course: str) -> list[str]:
    """The stored ids of those in a course today, as far as the grant reaches. Raises NotFound for another's course."""
    if grant.courses is not None and course not in grant.courses:
        raise NotFound(f"there is no course {course!r} of yours")
    day = today(store, grant.tenant)
    rows = store.records.people.memberships(grant.tenant, course=course)
    users = dict.fromkeys(row["user"] for row in rows if holds(row, day))
    return [user for user in users if grant.users is None or user in grant.users]


def may_see(store: Store, grant: Grant, user: str) -> bool:
    """Whether the grant reaches a user (stored id): themselves, a ward, someone in one of the courses today."""
    if grant.users is not None and user not in grant.users:
        return False
    if grant.courses is None:
        return True
    day = today(store, grant.tenant)
    rows = store.records.people.memberships(grant.tenant, users=[user])
    return any(row["course"] in grant.courses and holds(row, day) for row in rows)


def context(user: str) -> str:
    """What the entry of a user (stored id) is bound to."""
    return f"directory {user}"
