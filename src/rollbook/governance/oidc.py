"""Signing in with an OpenID Connect provider: the authorization code flow, with PKCE.

What one attempt must be recognised by (state, nonce, the secret of PKCE, where to go afterwards) lies in a cookie of
the browser that made it, for ten minutes; the server keeps nothing of strangers.

Sources: OpenID Connect Core 1.0 (3.1, 3.1.3.7), RFC 7636 (PKCE, S256), RFC 9207 (issuer in the answer), RFC 9700.
"""

import base64
import binascii
import hashlib
import hmac
import secrets
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote_plus, urlencode, urlsplit

import httpx
import jwt
import msgspec

from rollbook.errors import Invalid, Unauthenticated, Unavailable
from rollbook.governance.caller import ROLES, Role
from rollbook.governance.loopback import is_loopback
from rollbook.governance.tokens.jwks import KeySet
from rollbook.settings import Settings

CALLBACK = "/sign-in/callback"
# the key decides, never the token: no `none`, and no secret that is shared with the provider
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
NEEDED = ("exp", "iat", "iss", "aud", "sub")
# nobody signs in as the operator of the machine, or as a program
NOT_GIVEN: tuple[Role, ...] = ("operator", "service")

LEEWAY_SECONDS = 60
TIMEOUT_SECONDS = 10
DISCOVERED_SECONDS = 3_600
MOST_BYTES = 1 << 20


class Flow(msgspec.Struct, frozen=True):
    """One attempt to sign in, as the browser's cookie holds it; `wanted`: the page to go to afterwards."""

    state: str
    nonce: str
    verifier: str
    wanted: str

    def cookie(self) -> str:
        """As text that a cookie may hold."""
        return base64.urlsafe_b64encode(msgspec.json.encode(self)).decode().rstrip("=")

    @classmethod
    def of(cls, cookie: str) -> "Flow | None":
        """What a cookie holds; None if that is no attempt."""
        try:
            return msgspec.json.decode(base64.urlsafe_b64decode(cookie + "=" * (-len(cookie) % 4)), type=Flow)
        except (msgspec.MsgspecError, binascii.Error, ValueError):
            return None


@dataclass(frozen=True, slots=True)
class Person:
    """Whom the provider has vouched for: their user id as events have it, a name to show, the roles they get."""

    user: str
    name: str
    roles: frozenset[Role]


class Provider:
    """An OpenID Connect provider. Raises Invalid for settings that do not fit, Unavailable if it does not answer."""

    def __init__(self, settings: Settings) -> None:
        issuer = settings.oidc_issuer or ""
        _check_https(issuer, "ROLLBOOK_OIDC_ISSUER")
        if not settings.oidc_client_id:
            raise Invalid(
                "setting ROLLBOOK_OIDC_CLIENT_ID is missing; the provider gives it when Rollbook is registered"
            )
        self.issuer = issuer
        self.tenant = settings.oidc_tenant
        self.name = urlsplit(issuer).hostname or issuer
        self._settings = settings
        self._roles = _roles(settings.oidc_roles)
        self._client = httpx.Client(timeout=TIMEOUT_SECONDS, trust_env=not is_loopback(urlsplit(issuer).netloc))
        self._asking = threading.Lock()
        self._discovered: tuple[float, dict[str, Any]] | None = None
        self._keys: KeySet | None = None

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def begin(self, redirect: str, wanted: str) -> tuple[str, Flow]:
        """Where to send the browser, which comes back to `redirect`; and what it must bring along."""
        flow = Flow(secrets.token_urlsafe(32), secrets.token_urlsafe(32), secrets.token_urlsafe(64), wanted)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(flow.verifier.encode()).digest()).decode().rstrip("=")
        asked = {
            "response_type": "code",
            "client_id": self._settings.oidc_client_id,
            "redirect_uri": redirect,
            "scope": self._settings.oidc_scopes,
            "state": flow.state,
            "nonce": flow.nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        endpoint = self._discovery()["authorization_endpoint"]
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(asked)}", flow

    def finish(self, flow: Flow, redirect: str, brought: Mapping[str, str]) -> Person:
        """Who has signed in, by what the browser brought back. Raises Unauthenticated, saying why not."""
        if not hmac.compare_digest(brought.get("state", "").encode(), flow.state.encode()):
            raise Unauthenticated("this answer belongs to another attempt to sign in; start again")
        if brought.get("iss", self.issuer) != self.issuer:
            raise Unauthenticated("this answer is another provider's; start again")
        if "error" in brought or not brought.get("code"):
            raise Unauthenticated(f"{self.name} did not sign you in: {brought.get('error', 'no code')[:100]}")
        return self._person(self._claims(self._exchange(brought["code"], redirect, flow.verifier), flow.nonce))

    def _exchange(self, code: str, redirect: str, verifier: str) -> str:
        """The ID token for a code."""
        known = self._discovery()
        name, secret = self._settings.oidc_client_id, self._settings.oidc_client_secret
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect, "code_verifier": verifier}
        headers = {"Accept": "application/json"}
        methods = known.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        if secret is None:
            form["client_id"] = name
        elif "client_secret_basic" in methods:
            both = f"{quote_plus(name)}:{quote_plus(secret.get_secret_value())}"
            headers["Authorization"] = f"Basic {base64.b64encode(both.encode()).decode()}"
        else:
            form |= {"client_id": name, "client_secret": secret.get_secret_value()}
        answer = self._asked("POST", known["token_endpoint"], data=form, headers=headers)
        token = _object(answer).get("id_token") if answer.is_success else None
        if not isinstance(token, str):
            raise Unauthenticated(f"{self.name} did not accept the code (status {answer.status_code}); start again")
        return token

    def _claims(self, token: str, nonce: str) -> dict[str, Any]:
        """The claims of an ID token whose every part was checked."""
        try:
            key = self._key(jwt.get_unverified_header(token).get("kid"))
            claims: dict[str, Any] = jwt.decode(
                token,
                key.key,
                algorithms=[key.algorithm_name],
                audience=self._settings.oidc_client_id,
                issuer=self.issuer,
                leeway=LEEWAY_SECONDS,
                options={"require": list(NEEDED)},
            )
        except jwt.PyJWTError as error:
            raise Unauthenticated(f"the ID token of {self.name} is no good: {error}") from error
        if not hmac.compare_digest(str(claims.get("nonce", "")).encode(), nonce.encode()):
            raise Unauthenticated("the ID token belongs to another attempt to sign in; start again")
        if claims.get("azp", self._settings.oidc_client_id) != self._settings.oidc_client_id:
            raise Unauthenticated("the ID token was made for another program")
        return claims

    def _person(self, claims: Mapping[str, Any]) -> Person:
        user = str(_found(claims, self._settings.oidc_subject) or "")
        if not user:
            raise Unauthenticated(f"the ID token of {self.name} has no {self._settings.oidc_subject!r} (OIDC_SUBJECT)")
        groups = _found(claims, self._settings.oidc_claim)
        held = [str(group) for group in (groups if isinstance(groups, list) else [groups]) if group is not None]
        roles = {self._roles[group] for group in held if group in self._roles}
        if not roles and "*" in self._roles:
            roles = {self._roles["*"]}
        if not roles:
            raise Unauthenticated(
                f"{self.name} knows you, but no role here belongs to your groups; ask who runs Rollbook to add one"
            )
        names = (claims.get(name) for name in ("name", "preferred_username", "email"))
        return Person(user, next((str(name) for name in names if name), user), frozenset(roles))

    def _key(self, identity: str | None) -> jwt.PyJWK:
        """The provider's key of that id."""
        address = self._discovery()["jwks_uri"]
        with self._asking:
            if self._keys is None or self._keys.url != address:
                self._keys = KeySet(address)
            keys = self._keys
        key = keys.key(identity)
        if key is None or key.algorithm_name not in ALGORITHMS:
            raise Unauthenticated(f"the ID token is signed with a key that {self.name} does not publish")
        return key

    def _discovery(self) -> dict[str, Any]:
        """What the provider says of itself, at most an hour old."""
        with self._asking:
            now = time.monotonic()
            if self._discovered is None or now - self._discovered[0] > DISCOVERED_SECONDS:
                self._discovered = (now, self._document())
            return self._discovered[1]

    def _document(self) -> dict[str, Any]:
        found = self._fetched(f"{self.issuer.rstrip('/')}/.well-known/openid-configuration")
        if found.get("issuer") != self.issuer:
            raise Unavailable(f"ROLLBOOK_OIDC_ISSUER is {self.issuer}, but there it says {found.get('issuer')!r}")
        for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
            _check_https(str(found.get(name, "")), f"{name} of {self.issuer}")
        return found

    def _fetched(self, address: str) -> dict[str, Any]:
        answer = self._asked("GET", address)
        if not answer.is_success:
            raise Unavailable(f"{address} answered {answer.status_code}; is ROLLBOOK_OIDC_ISSUER right?")
        return _object(answer)

    def _asked(self, method: str, address: str, **more: Any) -> httpx.Response:
        try:
            answer = self._client.request(method, address, **more)
        except httpx.HTTPError as error:
            raise Unavailable(f"{self.name} does not answer: {error or type(error).__name__}") from error
        if len(answer.content) > MOST_BYTES:
            raise Unavailable(f"{address} answered more than {MOST_BYTES} bytes")
        return answer


def _object(answer: httpx.Response) -> dict[str, Any]:
    try:
        found = answer.json()
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise Unavailable(f"{answer.request.url} did not answer a JSON object")
    return found


def _found(claims: Mapping[str, Any], path: str) -> Any:
    """The claim of that name, or at the end of that dotted path."""
    if path in claims:
        return claims[path]
    found: Any = claims
    for name in path.split("."):
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def _roles(text: str) -> dict[str, Role]:
    """`staff=educator,it=admin` as a table."""
    given: dict[str, Role] = {}
    for one in filter(None, (part.strip() for part in text.split(","))):
        group, _, name = (part.strip() for part in one.rpartition("="))
        role = next((role for role in ROLES if role == name and role not in NOT_GIVEN), None)
        if not group or role is None:
            right = ", ".join(role for role in ROLES if role not in NOT_GIVEN)
            raise Invalid(f"setting ROLLBOOK_OIDC_ROLES: {one!r} is not group=role with a role of: {right}")
        given[group] = role
    return given


def _check_https(address: str, what: str) -> None:
    parts = urlsplit(address)
    if parts.scheme == "https" and parts.netloc:
        return
    if not (parts.scheme == "http" and is_loopback(parts.netloc)):
        raise Invalid(f"{what} must be an https:// address, not {address!r}")
