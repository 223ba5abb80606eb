"""The HTTP API over the shared store, without a server."""

from fastapi import FastAPI
from fastapi.testclient import TestClient

from rollbook.delivery import api
from rollbook.store import Store

INGEST = {"/events": {"post": {"summary": "Take events in", "responses": {"200": {"description": "Taken."}}}}}


def serve(store: Store | None) -> TestClient:
    """A client of an application with all routes; without a store it has not started yet."""
    app = FastAPI(title="Rollbook", version="1.2.3", docs_url=None, redoc_url=None)
    api.install(app, INGEST)
    app.state.store = store
    return TestClient(app, raise_server_exceptions=False)
