"""Tokens: who a JWT says is calling, once its signature and claims are checked. Sources: RFC 7519, RFC 8725.

Where the key comes from decides which algorithms are possible, never the token's header: the operator's secret checks
HS256 and nothing else, an issuer's public key RS256 or ES256 by its own type. So a public key can never be taken for a
secret, and `none` is nowhere in the list.
"""

import hashlib
import threading
import time
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import jwt
import structlog
from jwt import InsecureKeyLengthWarning, exceptions

from rollbook.errors import Invalid, Unauthenticated
from rollbook.governance.caller import ROLES, Caller, Role
from rollbook.governance.pseudonyms import known_as
from rollbook.governance.tenants import Issuer, Tenants
from rollbook.governance.tokens.jwks import KeySet
from rollbook.settings import Settings
from rollbook.store import Store

log = structlog.get_logger()

# we say it ourselves, once
warnings.filterwarnings("ignore", category=InsecureKeyLengthWarning)

LONGEST = 8192
MOST_KNOWN = 10_000
MOST_ROLES = 20
SHORTEST_SECRET_BYTES = 32
# how long a checked token is taken as it was: an issuer may be removed, a user's stored id may change
OPERATORS_SECONDS = 30.0
ISSUERS_SECONDS = 0.5

# a key's type -> the one algorithm that it may check
ALGORITHMS = {"RSA": "RS256", "EC": "ES256"}
# what no tenant's issuer can give: it speaks for all tenants
NEVER_BY_ISSUERS: frozenset[Role] = frozenset({"operator"})

Claims = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Known:
    caller: Caller
    ends: float
    check_again: float


class Tokens:
    """All tokens. Raises Unavailable if an issuer's keys cannot be had."""

    def __init__(
        self, store: Store, tenants: Tenants, settings: Settings, *, clock: Callable[[], float] = time.time
    ) -> None:
        self._store = store
        self._tenants = tenants
        self._settings = settings
        self._clock = clock
        self._secret = settings.jwt_secret_key
        self._known: dict[bytes, _Known] = {}
        self._sets: dict[str, KeySet] = {}
        self._adding = threading.Lock()
        if self._secret and len(self._secret.encode()) < SHORTEST_SECRET_BYTES:
            log.warning(
                "jwt_secret_short", why=f"JWT_SECRET_KEY has under {SHORTEST_SECRET_BYTES} bytes, and can be guessed"
            )

    def seen(self, digest: bytes) -> Caller | None:
        """Who shows the token of this SHA-256, if it was checked a moment ago and has not expired."""
        found = self._known.get(digest)
        if found is None or self._clock() >= min(found.ends, found.check_again):
            return None
        return found.caller

    def look_up(self, text: str) -> Caller:
        """Who shows a token. Blocks while an issuer's keys are fetched. Raises Unauthenticated, Unavailable."""
        if len(text) > LONGEST:
            raise Unauthenticated(f"the token is longer than {LONGEST} characters")
        try:
            claimed = jwt.decode_complete(text, options={"verify_signature": False})
        except exceptions.PyJWTError as error:
            raise Unauthenticated("this is neither a key nor a token") from error
        tenant, said = claimed["payload"].get("tenant_id"), claimed["payload"].get("iss")
        if (
            not isinstance(tenant, str)
            or not 0 < len(tenant) <= self._settings.max_id_length
            or not tenant.isprintable()
        ):
            raise Unauthenticated("the token has no tenant_id, or one that cannot be")
        issuer = self._issuer(tenant, said)
        if issuer is None:
            claims, kept = self._operators(text), OPERATORS_SECONDS
        else:
            claims, kept = self._issuers(text, issuer, claimed["header"].get("kid")), ISSUERS_SECONDS
        caller = self._caller(claims, issuer)
        self._keep(hashlib.sha256(text.encode()).digest(), caller, kept)
        return caller

    def _issuer(self, tenant: str, said: Any) -> Issuer | None:
        """The issuer of that name that a tenant trusts. Nothing of the token is proved yet."""
        if not isinstance(said, str) or self._store.records.tenant(tenant) is None:
            return None
        return next((one for one in self._tenants.settings(tenant).issuers if one.issuer == said), None)

    def _operators(self, text: str) -> Claims:
        """The claims of a token that the operator's secret has signed."""
        if not self._secret:
            raise Unauthenticated("JWT_SECRET_KEY is not set, and the token is of no issuer that its tenant trusts")
        issuer, audience = self._settings.jwt_issuer or None, self._settings.jwt_audience or None
        return self._decoded(text, self._secret, "HS256", issuer, audience)

    def _issuers(self, text: str, issuer: Issuer, kid: Any) -> Claims:
        """The claims of a token that a tenant's issuer has signed."""
        key = self._key_set(issuer.jwks_url).key(kid if isinstance(kid, str) else None)
        algorithm = ALGORITHMS.get(key.key_type or "") if key is not None else None
        if key is None or algorithm is None or key.algorithm_name != algorithm:
            raise Unauthenticated(f"the issuer {issuer.issuer} has no key for this token")
        return self._decoded(text, key.key, algorithm, issuer.issuer, issuer.audience)

    def _decoded(self, text: str, key: Any, algorithm: str, issuer: str | None, audience: str | None) -> Claims:
        required = ["sub", "tenant_id", "roles", "exp", *(["iss"] if issuer else []), *(["aud"] if audience else [])]
        try:
            claims: Claims = jwt.decode(
                text,
                key,
                algorithms=[algorithm],
                issuer=issuer,
                audience=audience,
                leeway=self._settings.jwt_leeway_seconds,
                options={"require": required, "verify_aud": audience is not None, "verify_iss": issuer is not None},
            )
        except exceptions.ExpiredSignatureError as error:
            raise Unauthenticated("the token has expired", was_good=True) from error
        except exceptions.InvalidAlgorithmError as error:
            raise Unauthenticated(f"the token must be signed with {algorithm}") from error
        except (exceptions.PyJWTError, ValueError, TypeError) as error:
            raise Unauthenticated(f"the token is not good: {error}") from error
        return claims

    def _caller(self, claims: Claims, issuer: Issuer | None) -> Caller:
        subject, tenant, named = claims["sub"], claims["tenant_id"], claims["roles"]
        if not isinstance(subject, str) or not 0 < len(subject) <= self._settings.max_id_length:
            raise Unauthenticated("the token's sub must be a user's id")
        roles = _roles(named)
        if issuer is not None and (more := roles - (frozenset(issuer.roles) - NEVER_BY_ISSUERS)):
            raise Unauthenticated(f"the issuer {issuer.issuer} may not give the role {min(more)}")
        try:
            stored = known_as(self._store, tenant, subject)
        except Invalid as error:
            raise Unauthenticated(f"the token's sub is no user's id: {error.detail}") from error
        until = float(claims["exp"]) + self._settings.jwt_leeway_seconds
        return Caller(tenant, roles, f"token:{stored}", subject=stored, until=until)

    def _keep(self, digest: bytes, caller: Caller, seconds: float) -> None:
        with self._adding:
            if len(self._known) >= MOST_KNOWN:
                now = self._clock()
                kept = {one: known for one, known in self._known.items() if known.check_again > now}
                self._known = kept if len(kept) < MOST_KNOWN else {}
            self._known[digest] = _Known(caller, caller.until or 0, self._clock() + seconds)

    def _key_set(self, url: str) -> KeySet:
        with self._adding:
            if url not in self._sets:
                self._sets[url] = KeySet(url, inside=self._settings.jwks_hosts)
            return self._sets[url]


def _roles(named: Any) -> frozenset[Role]:
    if not isinstance(named, list) or not 0 < len(named) <= MOST_ROLES:
        raise Unauthenticated("the token's roles must be a list of one or more")
    return frozenset(_known(named))


def _known(named: Iterable[Any]) -> Iterable[Role]:
    for role in named:
        if role not in ROLES:
            raise Unauthenticated(f"the token has the role {str(role)[:50]!r}, which is not known")
        yield role
