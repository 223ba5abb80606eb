"""The keys of the trail: all derived from one secret of the installation, which is kept sealed in the records."""

import hashlib
import hmac
import secrets

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from rollbook.errors import Unavailable
from rollbook.governance.sealing.master import master_key
from rollbook.store import Store
from rollbook.store.records.audit import AuditRecords
from rollbook.store.records.sealing import SealedRecords

NAME = "trail"
KEY_BYTES = 32
NONCE_BYTES = 12


class Keys:
    """What lines are chained with, identities found and sealed by, and heads signed with.

    `id` is public and names the installation: the first 16 hex digits of the SHA-256 of its public key.
    """

    def __init__(self, store: Store) -> None:
        """Read the secret, or make it at the first start. Raises Unavailable, Invalid."""
        self._secret = _secret(store)
        self._chain = self._derived("chain")
        self._digest = self._derived("digest")
        self._wrap = AESGCM(self._derived("wrap"))
        self._sign = Ed25519PrivateKey.from_private_bytes(self._derived("heads"))
        self.public = self._sign.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.id = key_id(self.public)

    def hash(self, canonical: bytes) -> str:
        """The keyed hash of a line."""
        return hmac.new(self._chain, canonical, hashlib.sha256).hexdigest()

    def digest(self, *parts: str | bytes) -> str:
        """The keyed digest of something, unambiguous in its parts."""
        made = hmac.new(self._digest, digestmod=hashlib.sha256)
        for part in parts:
            raw = part.encode() if isinstance(part, str) else part
            made.update(len(raw).to_bytes(4) + raw)
        return made.hexdigest()

    def wrap(self, key: bytes, bound: str) -> bytes:
        """A key, encrypted under the installation's."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        return nonce + self._wrap.encrypt(nonce, key, bound.encode())

    def unwrap(self, wrapped: bytes, bound: str) -> bytes:
        """The key again. Raises InvalidTag if it was altered or belongs elsewhere."""
        return self._wrap.decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], bound.encode())

    def sign(self, statement: bytes) -> str:
        """The signature of a statement, in hex."""
        return self._sign.sign(statement).hex()

    def is_signed(self, statement: bytes, signature: str) -> bool:
        """Whether this installation has signed it."""
        return is_signed(self.public, statement, signature)

    def _derived(self, purpose: str) -> bytes:
        return HKDF(SHA256(), KEY_BYTES, salt=None, info=f"rollbook audit {purpose}".encode()).derive(self._secret)


def key_id(public: bytes) -> str:
    """The short name of a public key."""
    return hashlib.sha256(public).hexdigest()[:16]


def is_signed(public: bytes, statement: bytes, signature: str) -> bool:
    """Whether the owner of a public key has signed a statement."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(bytes.fromhex(signature), statement)
    except (InvalidSignature, ValueError):
        return False
    return True


def _secret(store: Store) -> bytes:
    records = AuditRecords(store.records.database)
    sealed = records.secret(NAME)
    master = master_key(store.settings, lambda: sealed is not None or SealedRecords(store.records.database).any_key())
    if sealed is None:
        nonce = secrets.token_bytes(NONCE_BYTES)
        made = nonce + AESGCM(master).encrypt(nonce, secrets.token_bytes(KEY_BYTES), NAME.encode())
        records.put_secret(NAME, made)
        # another process may have been first
        sealed = records.secret(NAME) or made
    try:
        return AESGCM(master).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], NAME.encode())
    except InvalidTag as error:
        raise Unavailable(
            "the audit trail's secret was encrypted under another master key; set ROLLBOOK_MASTER_KEY (or its file) to"
            " that one: if it was set for the first time now, to what master.key in the data folder holds"
        ) from error
