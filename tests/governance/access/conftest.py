"""What the tests of tokens share: an issuer, and a tenant that trusts it."""

from collections.abc import Iterator

import pytest

from rollbook.governance.tenants import tenants_of
from rollbook.governance.tokens import Tokens
from rollbook.store import Store
from tests.governance.access.issuing import AUDIENCE, NAME, Issuer, issuing
from tests.governance.access.signing import made


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
