"""Signing in with OpenID Connect: what is asked of a provider, and which of its answers are refused."""

import base64
import hashlib
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from rollbook.errors import Invalid, Unauthenticated, Unavailable
from rollbook.governance.oidc import Flow, Person, Provider
from rollbook.settings import load
from tests.delivery import provider as real
from tests.services import free_port

BACK = "http://127.0.0.1:8011/sign-in/callback"


@pytest.fixture(scope="module")
def running() -> Iterator[real.Provider]:
    """A provider."""
    with real.running() as provider:
        yield provider


@pytest.fixture
def idp(running: real.Provider) -> Iterator[real.Provider]:
    """The same, as honest as at first."""
    before = dict(running.__dict__)
    running.change, running.claims = {}, dict(real.ADA)
    yield running
    for name in ("key", "kid"):
        setattr(running, name, before[name])


@pytest.fixture
def ours(idp: real.Provider) -> Iterator[Provider]:
    """What Rollbook knows of it."""
    made = provider(idp)
    yield made
    made.close()


def provider(idp: real.Provider, **more: Any) -> Provider:
    """Rollbook's side, with other settings."""
    given = {
        "oidc_issuer": idp.issuer,
        "oidc_client_id": real.CLIENT,
        "oidc_client_secret": real.SECRET,
        "oidc_roles": "staff=educator,it=admin",
    }
    return Provider(load(**(given | more)))


def brought(ours: Provider) -> tuple[Flow, dict[str, str]]:
    """A browser goes to the provider and comes back; with what."""
    address, flow = ours.begin(BACK, "/")
    back = httpx.get(address, trust_env=False).headers["location"]
    assert back.startswith(BACK)
    return flow, {name: values[0] for name, values in parse_qs(urlsplit(back).query).items()}


def signed_in(ours: Provider) -> Person:
    """The whole way."""
    flow, parameters = brought(ours)
    return ours.finish(flow, BACK, parameters)


def test_the_whole_way(ours: Provider, idp: real.Provider) -> None:
    assert signed_in(ours) == Person("ada", "Ada Lovelace", frozenset({"educator"}))
    asked = idp.asked[-1]
    assert asked["redirect_uri"] == BACK
    assert asked["scope"] == "openid profile"


def test_every_attempt_has_secrets_of_its_own(ours: Provider) -> None:
    flows = [ours.begin(BACK, "/")[1] for _ in range(3)]
    for values in zip(*((flow.state, flow.nonce, flow.verifier) for flow in flows), strict=True):
        assert len(set(values)) == 3
    address, flow = ours.begin(BACK, "/x")
    challenge = base64.urlsafe_b64encode(hashlib.sha256(flow.verifier.encode()).digest()).decode().rstrip("=")
    assert f"code_challenge={challenge}" in address
    assert flow.verifier not in address
    assert 43 <= len(flow.verifier) <= 128
    assert Flow.of(flow.cookie()) == flow


@pytest.mark.parametrize("cookie", ["", "x", "bm90IGpzb24", "e30", "\u00e9", base64.urlsafe_b64encode(b"[1]").decode()])
def test_other_cookies_are_no_attempt(cookie: str) -> None:
    assert Flow.of(cookie) is None


def test_an_answer_to_another_attempt_is_refused(ours: Provider) -> None:
    flow, parameters = brought(ours)
    for wrong in ({"state": "guessed"}, {"state": ""}, {"iss": "https://evil.example"}, {"code": ""}):
        with pytest.raises(Unauthenticated):
            ours.finish(flow, BACK, parameters | wrong)
    with pytest.raises(Unauthenticated, match="access_denied"):
        ours.finish(flow, BACK, {"state": flow.state, "error": "access_denied"})
    assert ours.finish(flow, BACK, parameters).user == "ada"


def test_a_code_is_good_once_and_only_with_the_secret_of_pkce(ours: Provider) -> None:
    flow, parameters = brought(ours)
    stolen = Flow(flow.state, flow.nonce, "a" * 64, "/")
    with pytest.raises(Unauthenticated, match="did not accept the code"):
        ours.finish(stolen, BACK, parameters)
    flow, parameters = brought(ours)
    ours.finish(flow, BACK, parameters)
    with pytest.raises(Unauthenticated, match="did not accept the code"):
        ours.finish(flow, BACK, parameters)


@pytest.mark.parametrize(
    "change",
    [
        {"iss": "https://evil.example"},
        {"aud": "another"},
        {"aud": None},
        {"exp": 1_700_000_000},
        {"exp": None},
        {"iat": None},
        {"nonce": "another"},
        {"nonce": None},
        {"azp": "another"},
        {"sub": None},
    ],
    ids=str,
)
def test_a_token_with_a_wrong_claim_is_refused(ours: Provider, idp: real.Provider, change: dict[str, Any]) -> None:
    assert signed_in(ours).user == "ada"
    idp.change = change
    with pytest.raises(Unauthenticated):
        signed_in(ours)


def test_a_token_that_another_has_signed_is_refused(ours: Provider, idp: real.Provider) -> None:
    assert signed_in(ours).user == "ada"
    idp.key = rsa.generate_private_key(65537, 2048)
    with pytest.raises(Unauthenticated, match="Signature"):
        signed_in(ours)
    idp.kid = "second"
    with pytest.raises(Unauthenticated, match="does not publish"):
        signed_in(ours)


@pytest.mark.parametrize("algorithm", ["none", "HS256"])
def test_the_token_does_not_choose_its_algorithm(ours: Provider, idp: real.Provider, algorithm: str) -> None:
    flow, parameters = brought(ours)
    header = {"alg": algorithm, "kid": "first", "typ": "JWT"}
    [encoded, claims, _] = idp.id_token(flow.nonce).split(".")
    forged = base64.urlsafe_b64encode(json.dumps(header).encode()).decode().rstrip("=")
    assert jwt.get_unverified_header(f"{forged}.{claims}.")["alg"] == algorithm
    for token in (f"{forged}.{claims}.", f"{forged}.{claims}.AAAA"):
        with pytest.raises(Unauthenticated):
            ours._claims(token, flow.nonce)
    assert encoded
    assert parameters


@pytest.mark.parametrize(
    ("groups", "roles", "given"),
    [
        (["staff", "it", "chess"], "staff=educator,it=admin", {"educator", "admin"}),
        ("it", "it=admin", {"admin"}),
        (["chess"], "staff=educator,*=learner", {"learner"}),
        (["staff"], "staff=educator,*=learner", {"educator"}),
        (None, "*=learner", {"learner"}),
        (["a=b"], "a=b=analyst", {"analyst"}),
        (["chess"], "staff=educator", None),
        (None, "staff=educator", None),
        ([["staff"]], "staff=educator", None),
    ],
)
def test_groups_give_roles(idp: real.Provider, groups: Any, roles: str, given: set[str] | None) -> None:
    idp.claims = {"sub": "ada", "roles": groups}
    ours = provider(idp, oidc_roles=roles)
    if given is None:
        with pytest.raises(Unauthenticated, match="no role here belongs"):
            signed_in(ours)
        return
    assert signed_in(ours).roles == given


def test_claims_may_be_named(idp: real.Provider) -> None:
    idp.claims = {"sub": "1", "email": "ada@example.org", "realm_access": {"roles": ["it"]}}
    ours = provider(idp, oidc_subject="email", oidc_claim="realm_access.roles")
    assert signed_in(ours) == Person("ada@example.org", "ada@example.org", frozenset({"admin"}))


@pytest.mark.parametrize(
    ("more", "named"),
    [
        ({"oidc_issuer": "http://idp.example"}, "ROLLBOOK_OIDC_ISSUER"),
        ({"oidc_issuer": "idp"}, "ROLLBOOK_OIDC_ISSUER"),
        ({"oidc_client_id": ""}, "ROLLBOOK_OIDC_CLIENT_ID"),
        ({"oidc_roles": "staff=teacher"}, "'staff=teacher' is not group=role"),
        ({"oidc_roles": "staff=operator"}, "operator"),
        ({"oidc_roles": "staff=service"}, "service"),
        ({"oidc_roles": "educator"}, "educator"),
    ],
)
def test_settings_that_do_not_fit_are_named(idp: real.Provider, more: dict[str, str], named: str) -> None:
    with pytest.raises(Invalid, match=named):
        provider(idp, **more)


def test_a_provider_that_is_another_or_away(idp: real.Provider) -> None:
    ours = provider(idp, oidc_issuer=f"{idp.issuer}/")
    with pytest.raises(Unavailable, match="but there it says"):
        ours.begin(BACK, "/")
    away = provider(idp, oidc_issuer=f"http://127.0.0.1:{free_port()}")
    with pytest.raises(Unavailable, match="does not answer"):
        away.begin(BACK, "/")
