"""The way in over the shared store, one for each file of tests; and a client of it."""

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from rollbook.app import create_app
from rollbook.ingest.intake import Intake
from rollbook.store import Store


@pytest.fixture(scope="module")
def intake(store: Store) -> Iterator[Intake]:
    """The way in, closed at the end."""
    opened = Intake(store)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def client(store: Store, intake: Intake) -> TestClient:
    """A client of the whole application over the shared store."""
    app = create_app(store.settings)
    app.state.store, app.state.intake = store, intake
    return TestClient(app, base_url="http://localhost", raise_server_exceptions=False)
