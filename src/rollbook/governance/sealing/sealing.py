"""Sealing: what is kept encrypted under a tenant's own keys, which are kept encrypted under the master key.

A tenant has three rings of keys. `people`: what leads from what is stored to people (pseudonyms, the directory);
`letters`: dead letters, which hold ids as they were sent. Both are destroyed to unlink people. `data`: everything else
that is sealed. A key is 256 random bits; a ring's keys have versions, the newest seals, each unseals its own.
"""

import secrets
import threading
import time
from dataclasses import dataclass, field
from typing import Literal, get_args

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from rollbook.errors import Invalid, NotFound, Unavailable
from rollbook.governance.sealing.master import master_key
from rollbook.store import Store
from rollbook.store.records.sealing import SealedRecords

Ring = Literal["people", "letters", "data"]
RINGS: tuple[Ring, ...] = get_args(Ring)

AT_MOST_SECONDS_OLD = 0.5
KEY_BYTES = 32
NONCE_BYTES = 12
VERSION_BYTES = 2
FORM = b"\x01"
SEAL = "seal"
SEPARATOR = "\x1f"


@dataclass(slots=True)
class _Held:
    """A ring's keys in memory: which live, the highest version there ever was, and what was derived of them.

    `coming`: the one that does not serve yet, while what is stored is being rewritten.
    """

    read: float
    live: dict[int, bytes]
    highest: int
    coming: int | None = None
    derived: dict[tuple[int, str], bytes] = field(default_factory=dict)


class Sealing:
    """Seals and unseals under tenants' keys; what another process changes is seen within half a second."""

    def __init__(self, store: Store) -> None:
        self._settings = store.settings
        self._records = SealedRecords(store.records.database)
        self._held: dict[tuple[str, Ring], _Held] = {}
        self._minting = threading.Lock()
        # one that is given is read at once, so that a wrong one is told at start
        given = store.settings.master_key or store.settings.master_key_file
        self._master = master_key(store.settings, self._records.any_key) if given else None

    def seal(self, tenant: str, data: bytes, *, context: str, ring: Ring = "data", version: int | None = None) -> bytes:
        """The data encrypted and bound to the tenant and the context: only `unseal` with both the same reads it.

        AES-256-GCM with a random nonce, under the newest key unless a version is named. Raises Unavailable, Invalid.
        """
        version = version or self.versions(tenant, ring, make=True)[-1]
        nonce = secrets.token_bytes(NONCE_BYTES)
        key = self.key_for(tenant, SEAL, version=version, ring=ring)
        head = FORM + version.to_bytes(VERSION_BYTES) + nonce
        return head + AESGCM(key).encrypt(nonce, data, _bound(tenant, context))

    def unseal(self, tenant: str, sealed: bytes, *, context: str, ring: Ring = "data") -> bytes:
        """What was sealed. Raises NotFound if its key was destroyed, Invalid if it is not what was sealed."""
        version = int.from_bytes(sealed[1 : 1 + VERSION_BYTES])
        rest = sealed[1 + VERSION_BYTES :]
        if sealed[:1] != FORM or not version:
            raise Invalid(f"what is to be unsealed for {context} was not sealed here")
        key = self.key_for(tenant, SEAL, version=version, ring=ring)
        try:
            return AESGCM(key).decrypt(rest[:NONCE_BYTES], rest[NONCE_BYTES:], _bound(tenant, context))
        except (InvalidTag, ValueError) as error:
            raise Invalid(f"what is to be unsealed for {context} was altered, or belongs elsewhere") from error

    def key_for(self, tenant: str, purpose: str, *, version: int | None = None, ring: Ring = "data") -> bytes:
        """A key of 32 bytes for one purpose (HKDF-SHA-256), of a version; None: of the first that lives.

        So what was digested with it is found again until the ring is destroyed. Raises NotFound for one that was.
        """
        held = self._ring(tenant, ring, make=version is None)
        chosen = min(held.live) if version is None else version
        if (found := held.derived.get((chosen, purpose))) is not None:
            return found
        if chosen not in held.live:
            raise NotFound(f"key {chosen} ({ring}) of tenant {tenant!r} was destroyed, or never was")
        info = f"rollbook{SEPARATOR}{purpose}".encode()
        derived = HKDF(SHA256(), KEY_BYTES, salt=None, info=info).derive(held.live[chosen])
        held.derived[chosen, purpose] = derived
        return derived

    def versions(self, tenant: str, ring: Ring, *, make: bool = False) -> tuple[int, ...]:
        """The versions of a ring's keys that live and serve, the first first. `make`: if there is none, make one."""
        held = self._ring(tenant, ring, make=make)
        return tuple(version for version in sorted(held.live) if version != held.coming)

    def coming(self, tenant: str, ring: Ring) -> int | None:
        """The version of the key that a ring is being changed to; None: it is not."""
        return self._ring(tenant, ring, make=False).coming

    def begin_change(self, tenant: str, ring: Ring) -> int:
        """Add a key that does not serve yet, or find the one that was added. Its version."""
        held = self._read(tenant, ring, None)
        if held.coming is None:
            held = self._mint(tenant, ring, held.highest, serving=False)
        assert held.coming is not None
        return held.coming

    def forget(self, tenant: str, ring: Ring) -> None:
        """Read a ring's keys again when they are next needed."""
        self._held.pop((tenant, ring), None)

    def highest(self, tenant: str, ring: Ring) -> int:
        """The highest version that a ring's keys ever had; 0: it has had none."""
        return self._ring(tenant, ring, make=False).highest

    def renew(self, tenant: str, ring: Ring) -> int:
        """Add a key; it is the newest from now on. Its version."""
        highest = self._read(tenant, ring, None).highest
        return max(self._mint(tenant, ring, highest).live)

    def destroy(self, tenant: str, ring: Ring | None = None) -> int:
        """Destroy the keys of a ring (None: of all): nothing that was sealed or made with them can be read again.

        How many keys there were. Copies in backups live on; the docs say so.
        """
        chosen = RINGS if ring is None else (ring,)
        gone = sum(self._records.destroy_keys(tenant, one) for one in chosen)
        for one in chosen:
            self._held.pop((tenant, one), None)
        return gone

    def _ring(self, tenant: str, ring: Ring, *, make: bool) -> _Held:
        held = self._held.get((tenant, ring))
        if held is None or time.monotonic() - held.read > AT_MOST_SECONDS_OLD:
            held = self._read(tenant, ring, held)
        return held if held.live or not make else self._mint(tenant, ring, held.highest)

    def _read(self, tenant: str, ring: Ring, before: _Held | None) -> _Held:
        rows = self._records.keys(tenant, ring)
        live = [row for row in rows if row["destroyed"] is None]
        held = _Held(time.monotonic(), {}, max((row["version"] for row in rows), default=0))
        held.coming = next((row["version"] for row in live if not row["serving"]), None)
        if before is not None and before.live.keys() == {row["version"] for row in live}:
            # the same versions are the same keys
            held.live, held.derived = before.live, before.derived
        else:
            held.live = {row["version"]: self._opened(tenant, ring, row["version"], row["sealed"]) for row in live}
        self._held[tenant, ring] = held
        return held

    def _mint(self, tenant: str, ring: Ring, highest: int, *, serving: bool = True) -> _Held:
        with self._minting:
            version, nonce = highest + 1, secrets.token_bytes(NONCE_BYTES)
            bound = _bound(tenant, f"{ring}{SEPARATOR}{version}")
            sealed = AESGCM(self._master_key()).encrypt(nonce, secrets.token_bytes(KEY_BYTES), bound)
            self._records.add_key(tenant, ring, version, FORM + nonce + sealed, serving=serving)
            return self._read(tenant, ring, None)

    def _opened(self, tenant: str, ring: Ring, version: int, sealed: bytes) -> bytes:
        bound = _bound(tenant, f"{ring}{SEPARATOR}{version}")
        nonce, rest = sealed[1 : 1 + NONCE_BYTES], sealed[1 + NONCE_BYTES :]
        try:
            return AESGCM(self._master_key()).decrypt(nonce, rest, bound)
        except InvalidTag as error:
            raise Unavailable(
                f"the keys of tenant {tenant!r} were encrypted under another master key; "
                "set ROLLBOOK_MASTER_KEY (or its file) to that one"
            ) from error

    def _master_key(self) -> bytes:
        if self._master is None:
            try:
                self._master = master_key(self._settings, self._records.any_key)
            except Invalid as error:
                raise Unavailable(error.detail) from error
        return self._master


def _bound(tenant: str, context: str) -> bytes:
    return f"{tenant}{SEPARATOR}{context}".encode()
