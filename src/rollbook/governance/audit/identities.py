"""Identities: who stands behind the digests of the trail. Sealed each with its own key, so that each can be forgotten.

A line holds digests only. The digest of a name is made with a random key of that name, which is kept, wrapped, beside
the trail: without it nobody can find out by trying names which lines were whose.
"""

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from rollbook.governance.audit.chain import Digests
from rollbook.governance.audit.keys import KEY_BYTES, NONCE_BYTES, Keys
from rollbook.governance.audit.line import Line
from rollbook.store import Store
from rollbook.store.records.audit import AuditRecords
from rollbook.store.records.database import Record

Name = tuple[str, str]
"""Tenant, and what somebody is called there: a user as stored, or a credential."""


@dataclass(frozen=True, slots=True)
class _Known:
    id: str
    digest: str
    key: bytes


@dataclass(frozen=True, slots=True)
class Named:
    """Names and addresses by the digests of lines; what was forgotten is not among them."""

    names: Mapping[str, str] = field(default_factory=dict)
    addresses: Mapping[str, str] = field(default_factory=dict)


class Identities:
    """Digests for names, and names for digests. Raises Unavailable."""

    def __init__(self, store: Store, keys: Keys) -> None:
        self._records = AuditRecords(store.records.database)
        self._keys = keys

    def digests(self, lines: Sequence[Line]) -> list[Digests]:
        """The digests of each line's identities; those not met before are on disk when this returns."""
        names = {(line.tenant, name) for line in lines for name in (line.actor, line.person) if name}
        # an address without anybody is nobody's
        names |= {(line.tenant, "") for line in lines if line.address and not line.actor}
        known = self._met(names)
        found, addresses = [], {}
        for line in lines:
            address, owner = "", known.get((line.tenant, line.actor))
            if line.address and owner and owner.key:
                address = self._keys.digest("address", owner.key, line.address)
                addresses[address] = (owner, line.address)
            actor = known[line.tenant, line.actor].digest if line.actor else ""
            person = known[line.tenant, line.person].digest if line.person else ""
            found.append(Digests(actor, person, address))
        self._keep_addresses(addresses)
        return found

    def found(self, tenant: str, names: Iterable[str]) -> list[str]:
        """The digests of those names that the trail of a tenant knows."""
        ids = [self._id(tenant, name) for name in names]
        return [row["digest"] for row in self._records.identities(ids)]

    def named(self, digests: Iterable[str], addresses: Iterable[str]) -> Named:
        """Who stands behind these digests."""
        people = self._records.identities_of(sorted({one for one in digests if one}))
        sealed = self._records.addresses(sorted({one for one in addresses if one}))
        owners = {row["id"]: row for row in self._records.identities(sorted({row["identity"] for row in sealed}))}
        keys = {row["id"]: self._key(row) for row in [*people, *owners.values()]}
        names = {row["digest"]: _opened(keys[row["id"]], row["sealed"], row["id"]) for row in people}
        places = {
            row["digest"]: _opened(keys[row["identity"]], row["sealed"], row["digest"])
            for row in sealed
            if row["identity"] in owners
        }
        return Named(
            {digest: name for digest, name in names.items() if name is not None},
            {digest: place for digest, place in places.items() if place is not None},
        )

    def forget(self, tenant: str, names: Iterable[str]) -> int:
        """Destroy the keys of these names, with their addresses; how many were known."""
        return self._records.remove_identities([self._id(tenant, name) for name in names])

    def _met(self, names: set[Name]) -> dict[Name, _Known]:
        """What is known of these names; what is not yet, is from now on."""
        ids = {self._id(*name): name for name in names}
        rows = {row["id"]: row for row in self._records.identities(sorted(ids))}
        made = {one: self._made(one, ids[one]) for one in sorted(ids.keys() - rows.keys())}
        if made:
            self._records.put_identities(list(made.values()))
            # read again: another process may have been first
            rows = made | {row["id"]: row for row in self._records.identities(sorted(ids))}
        return {ids[one]: _Known(one, row["digest"], self._key(row) or b"") for one, row in rows.items()}

    def _made(self, id: str, name: Name) -> Record:
        key = secrets.token_bytes(KEY_BYTES)
        return {
            "id": id,
            "tenant": name[0],
            "digest": self._keys.digest("name", key, name[1]),
            "key": self._keys.wrap(key, id),
            "sealed": _sealed(key, name[1], id),
            "created": datetime.now(UTC),
        }

    def _keep_addresses(self, addresses: Mapping[str, tuple[_Known, str]]) -> None:
        if not addresses:
            return
        there = {row["digest"] for row in self._records.addresses(sorted(addresses))}
        rows = [
            {"digest": digest, "identity": owner.id, "sealed": _sealed(owner.key, address, digest)}
            for digest, (owner, address) in addresses.items()
            if digest not in there
        ]
        if rows:
            self._records.put_addresses(rows)

    def _id(self, tenant: str, name: str) -> str:
        return self._keys.digest("identity", tenant, name)

    def _key(self, row: Record) -> bytes | None:
        try:
            return self._keys.unwrap(row["key"], row["id"])
        except InvalidTag:
            # altered: the lines still verify, the name is lost
            return None


def _sealed(key: bytes, text: str, bound: str) -> bytes:
    nonce = secrets.token_bytes(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, text.encode(), bound.encode())


def _opened(key: bytes | None, sealed: bytes, bound: str) -> str | None:
    if key is None:
        return None
    try:
        return AESGCM(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], bound.encode()).decode()
    except InvalidTag:
        return None
