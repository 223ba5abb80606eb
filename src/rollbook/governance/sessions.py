"""Sessions: a browser that is signed in, known by a cookie that scripts cannot read.

The cookie holds a random 256-bit id; the records hold its SHA-256, who signed in, and with what. A session ends when it
is signed out of, when it was not used for ROLLBOOK_SESSION_IDLE_HOURS, ROLLBOOK_SESSION_HOURS after it was made, and
when the key that it was made from is revoked or has expired.

Sources: OWASP ASVS 4.0.3, V3; RFC 6265bis (cookie prefixes).
"""

import hashlib
import secrets
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import anyio.to_thread
from starlette.requests import cookie_parser
from starlette.types import Scope

from rollbook.errors import Forbidden
from rollbook.governance import origins
from rollbook.governance.caller import Caller
from rollbook.store import Store
from rollbook.store.records.database import Record
from rollbook.store.records.sessions import SessionRecords

COOKIE = "rollbook_session"
# a browser takes this name only over https, for this host alone and for all of its paths
SECURE_COOKIE = f"__Host-{COOKIE}"
ID_BYTES = 32
LONGEST_ID = 64
# of the hash, to name a session in logs and in the audit trail
LABEL_CHARACTERS = 16

# how old what is known of a session may be; how seldom its last use is written down
KNOWN = timedelta(seconds=0.9)
WRITTEN = timedelta(seconds=60)
MOST_KNOWN = 10_000
KEY = "key:"

Cookies = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Session:
    """Someone signed in as `caller`, with what `credential` names; `name` is shown to them."""

    caller: Caller
    credential: str
    name: str
    made: datetime
    seen: datetime


class Sessions:
    """All sessions. Raises Unavailable if the records cannot be used.

    `is_good_key`: whether the key of that id holds still; a session made from it ends with it.
    """

    def __init__(
        self, store: Store, is_good_key: Callable[[str], bool], *, clock: Callable[[], datetime] | None = None
    ) -> None:
        self._records = SessionRecords(store.records.database)
        self._idle = timedelta(hours=store.settings.session_idle_hours)
        self._whole = timedelta(hours=store.settings.session_hours)
        self._is_good_key = is_good_key
        self._clock = clock or _now
        # by the hash of the id: when it was read, and what
        self._known: dict[str, tuple[datetime, Session]] = {}
        self._changing = threading.Lock()

    def begin(self, caller: Caller, name: str = "") -> str:
        """Sign someone in; the id for the cookie, which is kept nowhere."""
        now = self._clock()
        self._records.remove_older(made=now - self._whole, seen=now - self._idle)
        identity = secrets.token_urlsafe(ID_BYTES)
        self._records.put(
            {
                "id": _hashed(identity),
                "tenant": caller.tenant or None,
                "credential": caller.credential,
                "subject": caller.subject,
                "name": name,
                "roles": sorted(caller.roles),
                "only": None if caller.only is None else sorted(caller.only),
                "made": now,
                "seen": now,
            }
        )
        return identity

    async def caller(self, scope: Scope) -> Caller | None:
        """Who is signed in; None without a session, or with one that has ended; leaves `session` in the state.

        Raises Forbidden where another site's page sends what may change something.
        """
        cookie = origins.header(scope, b"cookie")
        if COOKIE not in cookie:
            return None
        cookies = cookie_parser(cookie)
        if origins.is_https(scope):
            # one without the prefix may have been set by a neighbouring host, or by someone on the way
            cookies.pop(COOKIE, None)
        found = self._fresh(_hashed(_identity(cookies))) or await anyio.to_thread.run_sync(self.session, cookies)
        if found is None:
            return None
        if origins.changes(scope) and not origins.is_own_page(scope):
            raise Forbidden(
                "a page of another site sent this with your session; use our own pages, or show a key in a header"
            )
        scope.setdefault("state", {})["session"] = found
        return found.caller

    def session(self, cookies: Cookies) -> Session | None:
        """The session of these cookies as the records have it, and note that it was used."""
        identity = _identity(cookies)
        if not 0 < len(identity) <= LONGEST_ID:
            return None
        hashed, now = _hashed(identity), self._clock()
        row = self._records.find(hashed)
        if row is None or not self._holds(row, now):
            self._forget(hashed)
            if row is not None:
                self._records.remove(hashed)
            return None
        if now - row["seen"] >= WRITTEN:
            self._records.touch(hashed, now)
        found = self._made(hashed, row)
        with self._changing:
            if len(self._known) >= MOST_KNOWN:
                self._known.clear()
            self._known[hashed] = (now, found)
        return found

    def is_good(self, caller: Caller) -> bool:
        """Whether the session that made this caller goes on; for a channel that stays open. Blocks."""
        kind, _, label = caller.credential.partition(":")
        if kind != "session":
            return True
        return any(self._holds(row, self._clock()) for row in self._records.find_labelled(label))

    def end(self, cookies: Cookies) -> None:
        """Sign out."""
        if identity := _identity(cookies):
            self._records.remove(_hashed(identity))
            self._forget(_hashed(identity))

    def end_all(self, tenant: str, *, credential: str | None = None, subject: str | None = None) -> int:
        """End a tenant's sessions: all, those made from one credential, or those of one person; how many."""
        ended = self._records.remove_of(tenant, credential=credential, subject=subject)
        with self._changing:
            self._known.clear()
        return ended

    def _fresh(self, hashed: str) -> Session | None:
        known = self._known.get(hashed)
        return known[1] if known is not None and timedelta(0) <= self._clock() - known[0] < KNOWN else None

    def _holds(self, row: Record, now: datetime) -> bool:
        if now - row["made"] >= self._whole or now - row["seen"] >= self._idle:
            return False
        credential: str = row["credential"]
        return not credential.startswith(KEY) or self._is_good_key(credential.removeprefix(KEY))

    def _made(self, hashed: str, row: Record) -> Session:
        only = row["only"]
        caller = Caller(
            tenant=row["tenant"] or "",
            roles=frozenset(row["roles"]),
            credential=f"session:{hashed[:LABEL_CHARACTERS]}",
            subject=row["subject"],
            only=None if only is None else frozenset(only),
            until=(row["made"] + self._whole).timestamp(),
        )
        return Session(caller, row["credential"], row["name"], row["made"], row["seen"])

    def _forget(self, hashed: str) -> None:
        with self._changing:
            self._known.pop(hashed, None)


def set_cookie(identity: str, *, is_secure: bool) -> str:
    """The Set-Cookie line of a session. It ends with the browser; the server ends it sooner."""
    name, secure = (SECURE_COOKIE, "; Secure") if is_secure else (COOKIE, "")
    return f"{name}={identity}; Path=/; HttpOnly; SameSite=Lax{secure}"


def clear_cookie(*, is_secure: bool) -> str:
    """The Set-Cookie line that takes it away."""
    return f"{set_cookie('', is_secure=is_secure)}; Max-Age=0"


def _identity(cookies: Cookies) -> str:
    return cookies.get(SECURE_COOKIE) or cookies.get(COOKIE) or ""


def _hashed(identity: str) -> str:
    return hashlib.sha256(identity.encode()).hexdigest()


def _now() -> datetime:
    return datetime.now(UTC)
