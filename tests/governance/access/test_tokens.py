"""Tokens: who they say is calling, and everything that a forged, foreign, old or odd one is refused for."""

import hashlib
import time
from pathlib import Path
from typing import Any

import jwt
import pytest
from structlog.testing import capture_logs

from rollbook.errors import Invalid, Unauthenticated
from rollbook.governance.pseudonyms import known_as
from rollbook.governance.tenants import tenants_of
from rollbook.governance.tokens import Tokens, sign
from rollbook.settings import Settings, load
from rollbook.store import Store
from tests.governance.access.showing import gated
from tests.governance.access.signing import SECRET, by_hand, made, refusal, signed, told


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
