"""The HTTP API over the shared store, without a server."""

from fastapi.testclient import TestClient

from rollbook.app import create_app
from rollbook.settings import load
from rollbook.store import Store


def serve(store: Store | None) -> TestClient:
    """A client of the whole application; without a store it has not started yet."""
    app = create_app(store.settings if store else load())
    app.state.store = store
    return TestClient(app, base_url="http://localhost", raise_server_exceptions=False)
