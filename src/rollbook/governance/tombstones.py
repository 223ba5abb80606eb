"""Tombstones: keyed digests of the people who were erased, so that no replay, import or restore brings them back."""

import hmac
import threading
import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from weakref import WeakKeyDictionary

from rollbook.governance.pseudonyms import pseudonyms_of
from rollbook.store import Store
from rollbook.store.records.rights import RightsRecords

PURPOSE = "tombstones"
DIGEST_BYTES = 20

# one process writes, and knows its own; another that takes over may have read before
AT_MOST_SECONDS_OLD = 5.0
MOST_REMEMBERED = 100_000


class Tombstones:
    """The erased of all tenants. Where a tenant has none, asking costs nothing."""

    def __init__(self, store: Store) -> None:
        self._pseudonyms = pseudonyms_of(store)
        self._records = RightsRecords(store.records.database)
        self._alone = store.engine.embedded
        self._lock = threading.Lock()
        self._digests: dict[str, set[str]] = {}
        # so that not every event costs a digest
        self._looked_up: dict[tuple[str, str], bool] = {}
        self._read = -AT_MOST_SECONDS_OLD

    def version(self, tenant: str) -> int:
        """How many tombstones a tenant has; it grows with each."""
        return len(self._of(tenant))

    def is_erased(self, tenant: str, user: str) -> bool:
        """Whether a user (as stored) was erased."""
        buried = self._of(tenant)
        if not buried:
            return False
        found = self._looked_up.get((tenant, user))
        if found is None:
            if len(self._looked_up) >= MOST_REMEMBERED:
                self._looked_up = {}
            found = any(digest in buried for digest in self.digests(tenant, [user]))
            self._looked_up[tenant, user] = found
        return found

    def erased(self, tenant: str, users: Iterable[str]) -> set[str]:
        """Those of the users (as stored) who were erased: their events are to be left out."""
        return {user for user in users if user and self.is_erased(tenant, user)} if self._of(tenant) else set()

    def bury(self, tenant: str, users: Sequence[str], request: str) -> None:
        """From now on nothing of these users is taken."""
        self._records.bury(tenant, [self.digest(tenant, user) for user in users], request, datetime.now(UTC))
        self._forget()

    def lift(self, tenant: str, users: Sequence[str]) -> int:
        """Take these users' events again, from now on: somebody has come back. How many tombstones there were."""
        lifted = self._records.raised(tenant, self.digests(tenant, users))
        self._forget()
        return lifted

    def digest(self, tenant: str, user: str) -> str:
        """The digest of a user under the tenant's key."""
        key = self._pseudonyms.sealing.key_for(tenant, PURPOSE)
        return hmac.digest(key, user.encode("utf-8", "surrogatepass"), "sha256")[:DIGEST_BYTES].hex()

    def digests(self, tenant: str, users: Sequence[str]) -> list[str]:
        """The digests of users, under their earlier pseudonyms too: a tombstone keeps the one that was erased."""
        chain = self._pseudonyms.chain(tenant)
        earlier = [form for user in users for form in chain.earlier(user)] if chain is not None else []
        return [self.digest(tenant, user) for user in (*users, *earlier)]

    def _of(self, tenant: str) -> set[str]:
        now = time.monotonic()
        if now - self._read > AT_MOST_SECONDS_OLD and not (self._alone and self._read > 0):
            self._forget()
        return self._digests.get(tenant, set())

    def _forget(self) -> None:
        with self._lock:
            self._digests, self._looked_up, self._read = self._records.buried(), {}, time.monotonic()


_of: WeakKeyDictionary[Store, Tombstones] = WeakKeyDictionary()


def tombstones_of(store: Store) -> Tombstones:
    """The tombstones of a store; all who ask share what is in memory."""
    found = _of.get(store)
    if found is None:
        found = _of.setdefault(store, Tombstones(store))
    return found
