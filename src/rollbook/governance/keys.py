"""Keys: what machines show. A key is `rbk_<id>_<secret>`, shown once; the records hold its SHA-256.

A slow hash (argon2, bcrypt) makes guessing dear where secrets are chosen by people. This secret is 256 random bits: to
guess it is hopeless at any speed, and a slow hash would only make each request dear. Source: NIST SP 800-63B, 5.1.4.2
(look-up secrets of 112 bits and more need no salted, slow hash).
"""

import contextlib
import hashlib
import hmac
import secrets
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, get_args
from urllib.parse import urlsplit

from rollbook.errors import Invalid, NotFound, Unauthenticated, Unavailable
from rollbook.governance.caller import Caller, Permission, Role
from rollbook.store import Store
from rollbook.store.records.access import KeyRecords
from rollbook.store.records.database import Record

KeyRole = Literal["ingest", "read", "admin"]
ROLES: dict[KeyRole, tuple[frozenset[Role], frozenset[Permission] | None]] = {
    "ingest": (frozenset({"service"}), frozenset({"write"})),
    "read": (frozenset({"service"}), frozenset({"ask_many", "ask_person", "measure", "live", "export", "public"})),
    "admin": (frozenset({"admin", "privacy_officer", "auditor"}), None),
}

# the tenant of whoever names none; it is made with its first key, and keeps ids as they are given
FIRST_TENANT = "default"
PREFIX = "rbk_"
SECRET_BYTES = 32
LONGEST = 200
MOST_KNOWN = 10_000
MOST_ORIGINS = 50
# how old may be what is known of a key; while one request renews it the others go on with it so long
FRESH_SECONDS = 0.4
STALE_SECONDS = 0.9
FOREVER = float("inf")
USE_NOTED_EVERY = timedelta(hours=1)

WRONG = "this key is not good: it was mistyped, cut short or never made"


@dataclass(frozen=True, slots=True)
class _Known:
    caller: Caller
    key: str
    until: float


class Keys:
    """All keys: made, rotated, revoked, and recognised. Raises Unavailable if the records cannot be used."""

    def __init__(self, store: Store, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._records = KeyRecords(store.records.database)
        self._clock = clock
        # by the digest of the whole key; good when they were last read, at `_read`
        self._known: dict[bytes, _Known] = {}
        self._used: set[str] = set()
        # digests of keys that were good here, perhaps long ago
        self._met: set[bytes] = set()
        self._read = clock()
        self._reading = threading.Lock()
        self._origins: tuple[float, frozenset[str]] = (float("-inf"), frozenset())

    def create(
        self,
        tenant: str,
        role: str,
        *,
        name: str = "",
        expires: datetime | None = None,
        origins: Iterable[str] = (),
    ) -> tuple[str, Record]:
        """A new key, and its record. The key is kept nowhere. Raises Invalid, or NotFound for the tenant."""
        row, text = _new(tenant, role, name, expires, origins)
        if tenant != FIRST_TENANT and self._store.records.tenant(tenant) is None:
            raise NotFound(f"there is no tenant {tenant!r}; make it first: rollbook tenant create {tenant}")
        self._records.add(row, {"id": FIRST_TENANT} if tenant == FIRST_TENANT else None)
        self._forget()
        return text, self._one(tenant, row["id"])

    def first(self) -> str | None:
        """On a first start the tenant `default` (ids as given) and its admin key; None: there is a key already."""
        row, text = _new(FIRST_TENANT, "admin", "made at first start", None, ())
        return text if self._records.add_first(row, {"id": FIRST_TENANT}) else None

    def of(self, tenant: str) -> list[Record]:
        """A tenant's keys, without their hashes, the oldest first."""
        return [_shown(row) for row in self._records.of(tenant)]

    def rotate(self, tenant: str, key: str, *, grace: timedelta) -> tuple[str, Record]:
        """A new secret for a key; the old one stays good for the grace. Raises NotFound; Invalid if it is revoked."""
        row = self._one(tenant, key, shown=False)
        if row["revoked"]:
            raise Invalid(f"key {key} is revoked; make a new one")
        text, now = _text(key), datetime.now(UTC)
        changes: dict[str, Any] = {"hash": _hex(text), "previous": None, "previous_until": None}
        if grace:
            changes |= {"previous": row["hash"], "previous_until": now + grace}
        self._records.change(tenant, key, changes)
        self._forget()
        return text, self._one(tenant, key)

    def revoke(self, tenant: str, key: str) -> Record:
        """End a key, in this process at once, in others within a second. Raises NotFound."""
        row = self._one(tenant, key)
        if not row["revoked"]:
            self._records.change(tenant, key, {"revoked": datetime.now(UTC)})
            self._forget()
        return self._one(tenant, key)

    def seen(self, digest: bytes) -> Caller | None:
        """Who shows the key of this SHA-256, if that is known without asking the records."""
        found = self._known.get(digest)
        if found is None:
            return None
        age = self._clock() - self._read
        if (age > FRESH_SECONDS and not (age < STALE_SECONDS and self._reading.locked())) or found.until <= time.time():
            return None
        self._used.add(found.key)
        return found.caller

    def met(self, digest: bytes) -> bool:
        """Whether the key of this SHA-256 was good here before: then whoever shows it is not guessing."""
        return digest in self._met

    def look_up(self, text: str) -> Caller:
        """Who shows a key, by the records. Raises Unauthenticated."""
        digest = hashlib.sha256(text.encode()).digest()
        with self._reading:
            self._renew()
            found = self._known.get(digest)
            if found is None or found.until <= time.time():
                found = self._recognised(text, digest)
                if len(self._known) >= MOST_KNOWN:
                    self._known.clear()
                if len(self._met) >= MOST_KNOWN:
                    self._met.clear()
                self._known[digest] = found
                self._met.add(digest)
        self._used.add(found.key)
        return found.caller

    def is_good(self, key: str) -> bool:
        """Whether a key of this id is neither revoked nor expired."""
        with self._reading:
            self._renew()
            if any(one.key == key and one.until > time.time() for one in self._known.values()):
                return True
            rows = self._records.found([key])
            return bool(rows) and _why_over(rows[0], datetime.now(UTC)) is None

    def origins(self) -> frozenset[str]:
        """The origins that any good key allows, at most a second old."""
        moment, found = self._origins
        if self._clock() - moment > FRESH_SECONDS:
            moment = self._clock()
            found = frozenset(one for text in self._records.origins(datetime.now(UTC)) for one in text.split())
            self._origins = (moment, found)
        return found

    def _renew(self) -> None:
        """Read what is known again, if it is too old; keys that nobody used are forgotten."""
        moment = self._clock()
        if moment - self._read <= FRESH_SECONDS:
            return
        used, self._used = self._used, set()
        now = datetime.now(UTC)
        rows = {row["id"]: row for row in self._records.found(used) if _why_over(row, now) is None}
        kept = {}
        for digest, one in self._known.items():
            if (row := rows.get(one.key)) and (until := _until(row, digest.hex())):
                kept[digest] = _Known(one.caller if one.until == until else _caller(row, until), one.key, until)
        self._known, self._read = kept, moment
        long_ago = now - USE_NOTED_EVERY
        self._note_use([i for i, row in rows.items() if (row["last_used"] or row["created"]) < long_ago], now)

    def _recognised(self, text: str, digest: bytes) -> _Known:
        parts = text.split("_", 2)
        if len(text) > LONGEST or not text.startswith(PREFIX) or len(parts) != 3 or not parts[1].isalnum():
            raise Unauthenticated(WRONG)
        rows, now = self._records.found([parts[1]]), datetime.now(UTC)
        until = _until(rows[0], digest.hex()) if rows else None
        if until is None:
            raise Unauthenticated(WRONG)
        row = rows[0]
        if why := _why_over(row, now):
            raise Unauthenticated(why, was_good=True)
        if until <= now.timestamp():
            raise Unauthenticated(f"key {row['id']} was rotated, and this is its old secret", was_good=True)
        if row["last_used"] is None:
            self._note_use([row["id"]], now)
        return _Known(_caller(row, until), row["id"], until)

    def _note_use(self, ids: list[str], now: datetime) -> None:
        # records that can be read but not written keep nobody out
        with contextlib.suppress(Unavailable):
            self._records.note_use(ids, now)

    def _one(self, tenant: str, key: str, *, shown: bool = True) -> Record:
        for row in self._records.found([key]):
            if row["tenant"] == tenant:
                return _shown(row) if shown else row
        raise NotFound(f"tenant {tenant!r} has no key {key!r}; see rollbook key list --tenant {tenant}")

    def _forget(self) -> None:
        with self._reading:
            self._known = {}
            self._origins = (float("-inf"), frozenset())


def _new(
    tenant: str, role: str, name: str, expires: datetime | None, origins: Iterable[str]
) -> tuple[dict[str, Any], str]:
    if role not in ROLES:
        raise Invalid(f"role {role!r} is none of a key; choose one of {', '.join(get_args(KeyRole))}")
    if expires is not None and expires <= datetime.now(UTC):
        raise Invalid(f"expires {expires:%Y-%m-%d %H:%M} is in the past")
    allowed = sorted({_origin(one) for one in origins})
    if len(allowed) > MOST_ORIGINS:
        raise Invalid(f"{len(allowed)} origins are too many; a key may have {MOST_ORIGINS}")
    key = secrets.token_hex(6)
    text = _text(key)
    row = {"id": key, "tenant": tenant, "role": role, "name": name, "hash": _hex(text), "expires": expires}
    return row | {"origins": " ".join(allowed)}, text


def _text(key: str) -> str:
    return f"{PREFIX}{key}_{secrets.token_urlsafe(SECRET_BYTES)}"


def _hex(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _origin(text: str) -> str:
    """An origin as browsers send it. Raises Invalid."""
    plain = text.strip().lower().removesuffix("/")
    parts = urlsplit(plain)
    if parts.scheme not in ("http", "https") or not parts.hostname or f"{parts.scheme}://{parts.netloc}" != plain:
        raise Invalid(f"origin {text!r} must be a scheme and a host, like https://learn.example.edu")
    return plain


def _until(row: Record, hashed: str) -> float | None:
    """Until when this hash is good for the key, in seconds since 1970; None: it never was."""
    expires: float = row["expires"].timestamp() if row["expires"] else FOREVER
    if hmac.compare_digest(row["hash"], hashed):
        return expires
    if row["previous"] and hmac.compare_digest(row["previous"], hashed):
        replaced: float = row["previous_until"].timestamp()
        return min(expires, replaced)
    return None


def _why_over(row: Record, now: datetime) -> str | None:
    if row["revoked"]:
        return f"key {row['id']} was revoked on {row['revoked']:%Y-%m-%d}"
    if row["expires"] and row["expires"] <= now:
        return f"key {row['id']} expired on {row['expires']:%Y-%m-%d %H:%M} UTC"
    return None


def _caller(row: Record, until: float) -> Caller:
    roles, only = ROLES[row["role"]]
    return Caller(
        row["tenant"],
        roles,
        f"key:{row['id']}",
        only=only,
        origins=frozenset(row["origins"].split()) or None,
        until=None if until == FOREVER else until,
    )


def _shown(row: Record) -> Record:
    hidden = ("hash", "previous")
    return {name: value for name, value in row.items() if name not in hidden} | {"origins": row["origins"].split()}
