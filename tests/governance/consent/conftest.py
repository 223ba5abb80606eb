"""The way in and the trail over the shared store, one for each file of tests; a client, and a tenant with its API."""

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from rollbook.app import create_app
from rollbook.governance.audit import Trail
from rollbook.ingest.intake import Intake
from rollbook.store import Store
from tests.governance.consent.deciding import School, school


@pytest.fixture(scope="module")
def trail(store: Store) -> Iterator[Trail]:
    """The trail of the shared store."""
    opened = Trail(store)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def intake(store: Store) -> Iterator[Intake]:
    """The way in."""
    opened = Intake(store)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def client(store: Store, intake: Intake) -> TestClient:
    """A client of the whole application, with open access."""
    app = create_app(store.settings)
    app.state.store, app.state.intake = store, intake
    return TestClient(app, base_url="http://localhost", raise_server_exceptions=False)


@pytest.fixture
def place(store: Store, intake: Intake, trail: Trail, tenant: str) -> School:
    """A tenant with its API."""
    return school(store, intake, trail, tenant)
