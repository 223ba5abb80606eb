"""Issuers: whose tokens a tenant trusts, for what, and how their keys are had."""

import base64
import concurrent.futures
import gzip
import hashlib
import json
import threading
import time
from typing import Any

import pytest

from rollbook.errors import Invalid, Unavailable
from rollbook.governance.tenants import tenants_of
from rollbook.governance.tokens import Tokens
from rollbook.governance.tokens.jwks import KeySet, check_address, check_public
from rollbook.settings import load
from rollbook.store import Store
from tests.governance.access.issuing import AUDIENCE, NAME, Issuer, issuing
from tests.governance.access.signing import SECRET, by_hand, refusal, signed


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


def test_a_tenant_cannot_name_hosts_inside_the_operators_network(issuer: Issuer) -> None:
    port = issuer.url.rsplit(":", 1)[1].split("/")[0]
    inside = f"https://localhost:{port}/jwks"
    with pytest.raises(ValueError, match="localhost is no public host, and ROLLBOOK_JWKS_INSIDE does not name it"):
        check_public(inside, ())
    refusal(lambda: KeySet(inside, inside=()).key("first"), Unavailable)
    assert issuer.asked == 0
    for host in ("10.0.0.1", "169.254.169.254", "[::1]", "[fd00::1]", "192.168.1.1"):
        with pytest.raises(ValueError, match="no public host"):
            check_public(f"https://{host}/jwks", ())
    check_public("https://8.8.8.8/jwks", ())
    check_public(inside, {"localhost"})
    assert KeySet(issuer.url, inside=()).key("first") is not None


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
