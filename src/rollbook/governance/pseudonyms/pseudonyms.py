"""Pseudonyms: the id under which a user is stored."""

from weakref import WeakKeyDictionary

from rollbook.errors import Unavailable
from rollbook.governance.pseudonyms.chain import Chain, digest
from rollbook.governance.sealing import Sealing
from rollbook.governance.tenants import Tenants, tenants_of
from rollbook.store import Store

PURPOSE = "pseudonyms"
EVENT_IDS = "event ids"
AGAIN = "if that was stopped, `rollbook tenant rotate` goes on with it"


class Pseudonyms:
    """The chains of all tenants that have pseudonyms; what another process changes is seen within half a second."""

    def __init__(self, sealing: Sealing, tenants: Tenants) -> None:
        self.sealing = sealing
        self.tenants = tenants
        self._chains: dict[str, tuple[tuple[int, ...], Chain]] = {}

    def chain(self, tenant: str) -> Chain | None:
        """How a tenant's ids become pseudonyms; None: they are stored as given. Raises Unavailable, Invalid."""
        if not self.tenants.settings(tenant).pseudonyms:
            return None
        if self.sealing.coming(tenant, "people") is not None:
            raise Unavailable(f"the key of tenant {tenant!r} is being changed ({AGAIN})", retry_after_seconds=30)
        versions = self.sealing.versions(tenant, "people", make=True)
        found = self._chains.get(tenant)
        if found is None or found[0] != versions:
            keys = [(version, self._key(tenant, version)) for version in versions]
            found = (versions, Chain(keys, self.sealing.highest(tenant, "people")))
            self._chains[tenant] = found
        return found[1]

    def of(self, tenant: str, user: str) -> str:
        """The stored form of a user's id."""
        chain = self.chain(tenant)
        return user if chain is None else chain.of(user)

    def forms(self, tenant: str, user: str) -> tuple[str, ...]:
        """All stored forms that a user's id has had, the present one last: for what is never rewritten."""
        chain = self.chain(tenant)
        return (user,) if chain is None else chain.forms(user)

    def coming_chain(self, tenant: str) -> Chain:
        """How ids will become pseudonyms once the key that is coming serves."""
        coming = self.sealing.coming(tenant, "people")
        versions = self.sealing.versions(tenant, "people") + ((coming,) if coming else ())
        return Chain([(one, self._key(tenant, one)) for one in versions], self.sealing.highest(tenant, "people"))

    def event_id(self, tenant: str, id: str) -> str:
        """What an event's id that tells its user's is replaced by: the same for the same id, so that it counts once."""
        key = self.sealing.key_for(tenant, EVENT_IDS, ring="people")
        return f"h_{digest(key, id)}"

    def forget(self, tenant: str) -> None:
        """Leave nothing of a tenant's chain in memory."""
        self._chains.pop(tenant, None)
        self.sealing.forget(tenant, "people")

    def _key(self, tenant: str, version: int) -> bytes:
        return self.sealing.key_for(tenant, PURPOSE, version=version, ring="people")


_of: WeakKeyDictionary[Store, Pseudonyms] = WeakKeyDictionary()


def pseudonyms_of(store: Store) -> Pseudonyms:
    """The pseudonyms of a store; all who ask share their keys in memory."""
    found = _of.get(store)
    if found is None:
        found = _of.setdefault(store, Pseudonyms(Sealing(store), tenants_of(store)))
    return found


def known_as(store: Store, tenant: str, user: str) -> str:
    """The stored form of a user's id: the pseudonym where the tenant has them, else the id as given."""
    return pseudonyms_of(store).of(tenant, user)
