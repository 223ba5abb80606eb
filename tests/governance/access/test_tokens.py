"""Tokens: who they say is calling, and everything that a forged, foreign, old or odd one is refused for."""

import base64
import concurrent.futures
import gzip
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jwt
import pytest
from structlog.testing import capture_logs

from rollbook.errors import Invalid, RollbookError, Unauthenticated, Unavailable
from rollbook.governance.pseudonyms import known_as
from rollbook.governance.tenants import tenants_of
from rollbook.governance.tokens import Tokens, sign
from rollbook.governance.tokens.jwks import KeySet, check_address
from rollbook.settings import Settings, load
from rollbook.store import Store
from tests.governance.access.issuing import AUDIENCE, NAME, Issuer, issuing
from tests.governance.access.showing import gated

SECRET = "the operator's own secret, of more than 32 bytes"


@pytest.fixture
def tokens(store: Store) -> Tokens:
    """The tokens of a server with a secret."""
    return made(store)


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    """An issuer that shows its keys."""
    with issuing() as found:
        yield found


@pytest.fixture
def school(store: Store, tenant: str, issuer: Issuer) -> str:
    """A tenant that trusts the issuer for learners and educators."""
    trusted = {"issuer": NAME, "jwks_url": issuer.url, "audience": AUDIENCE, "roles": ["learner", "educator"]}
    tenants_of(store).create(tenant, pseudonyms=False, issuers=[trusted])
    return tenant


def made(store: Store, **settings: Any) -> Tokens:
    """The tokens of a server with these settings."""
    return Tokens(store, tenants_of(store), load(**({"jwt_secret_key": SECRET} | settings)))


def told(tenant: str, **claims: Any) -> dict[str, Any]:
    """What a good token of the operator says, and `claims` on top; None leaves one out."""
    usual = {"sub": "ada", "tenant_id": tenant, "roles": ["learner"], "exp": int(time.time()) + 600}
    return {name: value for name, value in (usual | claims).items() if value is not None}


def signed(claims: dict[str, Any], *, secret: str = SECRET, algorithm: str = "HS256", **headers: Any) -> str:
    """A token of a secret."""
    return jwt.encode(claims, secret, algorithm, headers=headers or None)


def by_hand(header: dict[str, Any], claims: dict[str, Any], key: bytes | None) -> str:
    """A token that no library would sign: HMAC-SHA-256 with any key, or no signature."""
    parts = [base64.urlsafe_b64encode(json.dumps(one).encode()).rstrip(b"=") for one in (header, claims)]
    body = b".".join(parts)
    signature = hmac.new(key, body, hashlib.sha256).digest() if key is not None else b""
    return (body + b"." + base64.urlsafe_b64encode(signature).rstrip(b"=")).decode()


def refusal(call: Callable[[], object], kind: type[RollbookError] = Unauthenticated) -> RollbookError:
    """What a call is refused with."""
    with pytest.raises(kind) as caught:
        call()
    return caught.value


def test_a_token_of_the_operator_speaks_for_any_tenant(tokens: Tokens, tenant: str) -> None:
    until = int(time.time()) + 600
    caller = tokens.look_up(signed(told(tenant, roles=["educator", "learner"], exp=until)))
    assert (caller.tenant, caller.subject, caller.roles) == (tenant, "ada", frozenset({"educator", "learner"}))
    assert caller.credential == "token:ada"
    assert caller.until == until + 30
    assert (caller.only, caller.origins) == (None, None)


def test_the_subject_is_known_as_it_is_stored(store: Store, tokens: Tokens, tenant: str) -> None:
    tenants_of(store).create(tenant, pseudonyms=True)
    caller = tokens.look_up(signed(told(tenant)))
    assert caller.subject == known_as(store, tenant, "ada") != "ada"
    assert "ada" not in caller.credential.replace(caller.subject, "")


@pytest.mark.parametrize(
    ("claims", "why"),
    [
        ({"exp": None}, "exp"),
        ({"sub": None}, "sub"),
        ({"roles": None}, "roles"),
        ({"tenant_id": None}, "tenant_id"),
        ({"tenant_id": ""}, "tenant_id"),
        ({"tenant_id": 7}, "tenant_id"),
        ({"tenant_id": "a\0b"}, "tenant_id"),
        ({"tenant_id": "x" * 300}, "tenant_id"),
        ({"sub": ""}, "sub"),
        ({"sub": 7}, "not good"),
        ({"sub": "x" * 300}, "sub"),
        ({"roles": []}, "roles"),
        ({"roles": "admin"}, "roles"),
        ({"roles": {"admin": 1}}, "roles"),
        ({"roles": ["king"]}, "king"),
        ({"roles": ["learner", ["admin"]]}, "not known"),
        ({"roles": ["learner"] * 21}, "roles"),
        ({"exp": "soon"}, "not good"),
        ({"exp": {"a": 1}}, "not good"),
        ({"exp": float("inf")}, "not good"),
        ({"nbf": int(time.time()) + 3600}, "nbf"),
        ({"iat": int(time.time()) + 3600}, "iat"),
    ],
)
def test_claims_that_cannot_be(claims: dict[str, Any], why: str, tokens: Tokens, tenant: str) -> None:
    error = refusal(lambda: tokens.look_up(signed(told(tenant, **claims))))
    assert why in error.detail


def test_the_clocks_may_differ_by_the_leeway(tokens: Tokens, tenant: str) -> None:
    now = int(time.time())
    assert tokens.look_up(signed(told(tenant, exp=now - 20, nbf=now + 20, iat=now + 20)))
    error = refusal(lambda: tokens.look_up(signed(told(tenant, exp=now - 60))))
    assert error.detail == "the token has expired"
    assert isinstance(error, Unauthenticated)
    assert error.was_good


def test_a_wrong_signature_is_a_guess_even_on_an_expired_token(tokens: Tokens, tenant: str) -> None:
    error = refusal(lambda: tokens.look_up(signed(told(tenant, exp=1), secret="guessed" * 8)))
    assert isinstance(error, Unauthenticated)
    assert not error.was_good
    assert "ignature" in error.detail


@pytest.mark.parametrize("algorithm", ["none", "None", "nOnE", "NONE", "", "RS256", "HS384"])
def test_the_header_does_not_choose_the_algorithm(algorithm: str, tokens: Tokens, tenant: str) -> None:
    for key in (None, b"", SECRET.encode()):
        refusal(lambda key=key: tokens.look_up(by_hand({"alg": algorithm, "typ": "JWT"}, told(tenant), key)))  # type: ignore[misc]


def test_the_operators_tokens_are_of_hs256_alone(tokens: Tokens, tenant: str) -> None:
    assert tokens.look_up(by_hand({"alg": "HS256"}, told(tenant), SECRET.encode()))
    assert "HS256" in refusal(lambda: tokens.look_up(signed(told(tenant), algorithm="HS512"))).detail


def test_without_a_secret_there_are_no_operators_tokens(store: Store, tenant: str) -> None:
    without = made(store, jwt_secret_key="")
    for key in (None, b""):
        token = by_hand({"alg": "HS256"}, told(tenant), key)
        assert "JWT_SECRET_KEY" in refusal(lambda token=token: without.look_up(token)).detail  # type: ignore[misc]


def test_issuer_and_audience_of_the_operator_are_checked_where_they_are_set(store: Store, tenant: str) -> None:
    strict = made(store, jwt_issuer="us", jwt_audience="here")
    assert strict.look_up(signed(told(tenant, iss="us", aud="here")))
    assert strict.look_up(signed(told(tenant, iss="us", aud=["there", "here"])))
    for claims in ({}, {"iss": "us"}, {"aud": "here"}, {"iss": "them", "aud": "here"}, {"iss": "us", "aud": "there"}):
        refusal(lambda claims=claims: strict.look_up(signed(told(tenant, **claims))))  # type: ignore[misc]
    # unset: whatever a token says
    assert made(store).look_up(signed(told(tenant, iss="anyone", aud="anywhere")))


def test_a_short_secret_is_taken_with_a_warning(store: Store, tenant: str) -> None:
    with capture_logs() as logs:
        short = made(store, jwt_secret_key="short")
        made(store)
    assert [line["event"] for line in logs] == ["jwt_secret_short"]
    assert "short" not in str(logs[0]["why"])
    assert short.look_up(signed(told(tenant), secret="short"))


@pytest.mark.parametrize("text", ["", ".", "..", "a.b.c", "e30.e30.", "e30.W10.e30", "é.é.é", "x" * 9000])
def test_what_is_no_token(text: str, tokens: Tokens) -> None:
    refusal(lambda: tokens.look_up(text))


def test_what_was_checked_is_known_for_a_while_and_never_longer_than_it_is_good(store: Store, tenant: str) -> None:
    ahead = 0.0
    tokens = Tokens(store, tenants_of(store), load(jwt_secret_key=SECRET), clock=lambda: time.time() + ahead)
    long, short = signed(told(tenant)), signed(told(tenant, exp=int(time.time()) + 10 - 20))
    digests = [hashlib.sha256(text.encode()).digest() for text in (long, short)]
    assert [tokens.seen(digest) for digest in digests] == [None, None]
    callers = [tokens.look_up(text) for text in (long, short)]
    assert [tokens.seen(digest) for digest in digests] == callers
    ahead = 25
    assert [tokens.seen(digest) for digest in digests] == [callers[0], None]
    ahead = 31
    assert [tokens.seen(digest) for digest in digests] == [None, None]


@pytest.mark.parametrize(("kind", "algorithm"), [("RSA", "RS256"), ("EC", "ES256")])
def test_a_token_of_an_issuer(kind: str, algorithm: str, tokens: Tokens, issuer: Issuer, school: str) -> None:
    issuer.rotate("one", kind=kind)
    caller = tokens.look_up(issuer.token(school, algorithm=algorithm, roles=["educator"]))
    assert (caller.tenant, caller.subject, caller.roles) == (school, "ada", frozenset({"educator"}))
    # a token without kid, where there is only one key
    assert tokens.look_up(issuer.token(school, algorithm=algorithm, headers={})) is not None
    assert issuer.asked == 1


def test_an_issuer_speaks_for_its_own_tenant_alone(store: Store, tokens: Tokens, issuer: Issuer, school: str) -> None:
    other = f"{school}-other"
    tenants_of(store).create(other, issuers=[{"issuer": "https://else", "jwks_url": issuer.url, "audience": AUDIENCE}])
    for tenant in (other, "default", f"{school}-nobody"):
        refusal(lambda tenant=tenant: tokens.look_up(issuer.token(tenant)))  # type: ignore[misc]


@pytest.mark.parametrize("roles", [["admin"], ["learner", "admin"], ["operator"], ["analyst"], ["service"]])
def test_an_issuer_gives_the_listed_roles_alone(roles: list[str], tokens: Tokens, issuer: Issuer, school: str) -> None:
    assert "may not give" in refusal(lambda: tokens.look_up(issuer.token(school, roles=roles))).detail


def test_no_tenant_can_let_its_issuer_speak_for_all_tenants(
    store: Store, tokens: Tokens, issuer: Issuer, school: str
) -> None:
    trusted = {"issuer": NAME, "jwks_url": issuer.url, "audience": AUDIENCE, "roles": ["operator", "admin"]}
    tenants_of(store).change(school, issuers=[trusted])
    assert tokens.look_up(issuer.token(school, roles=["admin"]))
    assert "operator" in refusal(lambda: tokens.look_up(issuer.token(school, roles=["operator"]))).detail


@pytest.mark.parametrize(
    "claims",
    [{"aud": "elsewhere"}, {"aud": None}, {"exp": 1}, {"exp": None}, {"sub": None}, {"iss": None}, {"iss": f"{NAME}/"}],
)
def test_claims_of_an_issuer_that_are_no_good(
    claims: dict[str, Any], tokens: Tokens, issuer: Issuer, school: str
) -> None:
    refusal(lambda: tokens.look_up(issuer.token(school, **claims)))


def test_a_public_key_is_not_taken_for_a_secret(tokens: Tokens, issuer: Issuer, school: str) -> None:
    """Algorithm confusion: signed with HS256, the secret being the issuer's public key, which anybody has."""
    claims = issuer.claims(school)
    for key in (issuer.public_pem(), issuer.public_pem().strip(), issuer.shown()):
        for header in ({"alg": "HS256", "kid": "first"}, {"alg": "HS256"}):
            refusal(lambda key=key, header=header: tokens.look_up(by_hand(header, claims, key)))  # type: ignore[misc]
    for algorithm in ("none", "None", ""):
        refusal(lambda algorithm=algorithm: tokens.look_up(by_hand({"alg": algorithm, "kid": "first"}, claims, None)))  # type: ignore[misc]


def test_the_operators_secret_does_not_sign_for_an_issuer(tokens: Tokens, issuer: Issuer, school: str) -> None:
    refusal(lambda: tokens.look_up(signed(issuer.claims(school), kid="first")))


def test_a_token_brings_no_key_of_its_own(tokens: Tokens, issuer: Issuer, school: str) -> None:
    attacker = Issuer()
    ((_, key),) = attacker.keys.items()
    own = json.loads(attacker.shown())["keys"][0]
    for header in ({"jwk": own}, {"jku": "http://127.0.0.1:1/"}, {"x5u": "http://127.0.0.1:1/"}, {"kid": "../../etc"}):
        refusal(lambda header=header: tokens.look_up(attacker.token(school, headers={"kid": "first"} | header)))  # type: ignore[misc]
    assert key not in issuer.keys.values()


def test_a_symmetric_key_among_the_issuers_keys_is_not_used(tokens: Tokens, issuer: Issuer, school: str) -> None:
    shared = base64.urlsafe_b64encode(SECRET.encode()).rstrip(b"=").decode()
    issuer.answer = (200, json.dumps({"keys": [{"kty": "oct", "k": shared, "kid": "first"}]}).encode(), {})
    refusal(lambda: tokens.look_up(by_hand({"alg": "HS256", "kid": "first"}, issuer.claims(school), SECRET.encode())))


def test_an_issuer_that_is_no_longer_trusted_is_refused(store: Store, issuer: Issuer, school: str) -> None:
    ahead = 0.0
    tokens = Tokens(store, tenants_of(store), load(jwt_secret_key=SECRET), clock=lambda: time.time() + ahead)
    text = issuer.token(school)
    digest = hashlib.sha256(text.encode()).digest()
    tokens.look_up(text)
    tenants_of(store).change(school, issuers=[])
    # it is checked again after half a second
    ahead = 0.6
    assert tokens.seen(digest) is None
    refusal(lambda: tokens.look_up(text))


class Clock:
    """A clock that moves when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_keys_are_fetched_once_and_again_when_there_is_a_new_one(issuer: Issuer) -> None:
    clock = Clock()
    keys = KeySet(issuer.url, clock=clock)
    assert keys.key("first") is keys.key("first")
    assert issuer.asked == 1
    issuer.rotate("second")
    # not more often than every 30 seconds, whatever is asked for
    assert keys.key("second") is None
    assert keys.key("nothing") is None
    assert issuer.asked == 1
    clock.now += 30
    assert keys.key("second") is not None
    assert issuer.asked == 2
    assert keys.key("first") is None
    assert issuer.asked == 2


def test_keys_are_not_kept_for_ever(issuer: Issuer) -> None:
    clock = Clock()
    keys = KeySet(issuer.url, clock=clock)
    assert keys.key("first") is not None
    issuer.rotate("second")
    clock.now += 599
    assert keys.key("first") is not None
    clock.now += 2
    assert keys.key("first") is None


def test_keys_stay_good_while_the_issuer_is_silent(issuer: Issuer) -> None:
    clock = Clock()
    keys = KeySet(issuer.url, clock=clock)
    assert keys.key("first") is not None
    issuer.answer = (500, b"", {})
    clock.now += 60
    refusal(lambda: keys.key("other"), Unavailable)
    assert keys.key("first") is not None
    assert keys.key("other") is None
    clock.now += 600
    refusal(lambda: keys.key("first"), Unavailable)
    asked = issuer.asked
    refusal(lambda: keys.key("first"), Unavailable)
    assert issuer.asked == asked
    issuer.answer = None
    clock.now += 30
    assert keys.key("first") is not None


@pytest.mark.parametrize(
    "answer",
    [
        (404, b"", {}),
        (200, b"not json", {}),
        (200, b"[]", {}),
        (200, b'{"keys": []}', {}),
        (200, b'{"keys": 7}', {}),
        (200, b'{"keys": "' + b"x" * (300 << 10) + b'"}', {}),
        (200, b"\xff\xfe", {}),
    ],
)
def test_answers_that_hold_no_keys(answer: tuple[int, bytes, dict[str, str]], issuer: Issuer) -> None:
    issuer.answer = answer
    assert issuer.url in refusal(lambda: KeySet(issuer.url).key("first"), Unavailable).detail


def test_what_is_small_on_the_wire_and_large_in_memory_is_not_unpacked(issuer: Issuer) -> None:
    issuer.answer = (200, gzip.compress(b" " * (50 << 20) + issuer.shown()), {"content-encoding": "gzip"})
    refusal(lambda: KeySet(issuer.url).key("first"), Unavailable)


def test_few_wait_for_one_issuer_and_all_of_them_get_its_key(issuer: Issuer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rollbook.governance.tokens.jwks.MOST_WAITING", 3)
    keys = KeySet(issuer.url)
    let_go, asked = threading.Event(), threading.Event()

    def hold() -> None:
        asked.set()
        let_go.wait(60)

    issuer.before = hold
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        waiting = [pool.submit(keys.key, "first") for _ in range(3)]
        asked.wait(60)
        while keys._waiting._value:
            pass
        assert "many wait" in refusal(lambda: keys.key("first"), Unavailable).detail
        let_go.set()
        assert len({one.result() for one in waiting}) == 1
    assert keys.key("first") is not None
    assert issuer.asked == 1


def test_a_redirect_is_not_followed(issuer: Issuer) -> None:
    with issuing() as other:
        issuer.answer = (302, b"", {"location": other.url})
        refusal(lambda: KeySet(issuer.url).key("first"), Unavailable)
        assert other.asked == 0


@pytest.mark.parametrize(
    "url", ["http://id.example.edu/jwks", "file:///etc/passwd", "ftp://x/", "https://", "", "jwks"]
)
def test_keys_come_over_https_alone(url: str) -> None:
    with pytest.raises(Invalid):
        check_address(url)


def test_a_silent_issuer_is_503_and_not_a_refusal(store: Store, tokens: Tokens, issuer: Issuer, school: str) -> None:
    issuer.answer = (500, b"", {})
    refusal(lambda: tokens.look_up(issuer.token(school)), Unavailable)


def test_a_signed_token_is_good_for_a_server_with_the_same_settings(store: Store, tenant: str) -> None:
    settings = load(jwt_secret_key=SECRET, jwt_issuer="us", jwt_audience="here")
    text = sign(settings, tenant, "ada", ["learner"], ttl_seconds=60)
    assert made(store, jwt_issuer="us", jwt_audience="here").look_up(text).roles == {"learner"}
    assert jwt.get_unverified_header(text)["alg"] == "HS256"


def test_what_cannot_be_signed(tenant: str) -> None:
    settings: Settings = load(jwt_secret_key=SECRET)
    assert "JWT_SECRET_KEY" in refusal(lambda: sign(load(), tenant, "ada", ["learner"]), Invalid).detail
    for roles in ([], ["king"]):
        assert "learner" in refusal(lambda roles=roles: sign(settings, tenant, "ada", roles), Invalid).detail  # type: ignore[misc]
    refusal(lambda: sign(settings, tenant, "", ["learner"]), Invalid)
    refusal(lambda: sign(settings, tenant, "ada", ["learner"], ttl_seconds=0), Invalid)


def test_tokens_at_the_gate(store: Store, tenant: str, tmp_path: Path) -> None:
    tenants_of(store).create(tenant, pseudonyms=False)
    client, _ = gated(store, load(auth="required", jwt_secret_key=SECRET, data=tmp_path))

    def asked(path: str, **claims: Any) -> int:
        status: int = client.get(
            path, headers={"authorization": f"Bearer {signed(told(tenant, **claims))}"}
        ).status_code
        return status

    assert asked("/metrics/ada") == 200
    assert asked("/metrics/bob") == 403
    assert asked("/api/v2/ask/totals") == 403
    assert asked("/api/v2/ask/totals", roles=["admin"]) == 200
    assert asked("/api/v2/ask/totals?tenant_id=other", roles=["admin"]) == 403
    assert asked("/api/v2/ask/totals", roles=["admin"], exp=1) == 401
    assert client.get("/api/v2/ask/totals").status_code == 401
