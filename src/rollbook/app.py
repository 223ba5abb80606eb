"""The wiring: settings -> store -> way in -> tasks and routes. Nothing else knows all of them."""

import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Self

import anyio.to_thread
from fastapi import FastAPI

from rollbook import __version__
from rollbook.delivery import api, pages
from rollbook.governance.audit import Trail
from rollbook.governance.gate import Gate, Guards, Unlimited, peer
from rollbook.governance.loopback import Loopback
from rollbook.governance.tenants import tenants_of
from rollbook.ingest import http, import_routes, letter_routes, verify_routes
from rollbook.ingest.hot_path import HotPath
from rollbook.ingest.intake import Intake
from rollbook.jobs.runner import Runner
from rollbook.settings import Settings
from rollbook.store import Store


class Rollbook:
    """Everything that runs in one process, with or without HTTP."""

    def __init__(self, settings: Settings) -> None:
        """Open the folder and start. Raises Conflict, Invalid or Unavailable."""
        self.settings = settings
        self.store = Store(settings)
        self.tenants = tenants_of(self.store)
        self.trail = Trail(self.store)
        self.intake = Intake(self.store)
        self._runner = Runner(self.intake)

    def close(self) -> None:
        """Commit what waits, write down what is only in memory, and give the folder back."""
        self._runner.stop()
        self.intake.close()
        self.trail.close()
        self.store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def create_app(settings: Settings) -> FastAPI:
    """The HTTP application; its lifespan opens and closes a Rollbook."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        book = await anyio.to_thread.run_sync(Rollbook, settings)
        app.state.book, app.state.store, app.state.intake = book, book.store, book.intake
        app.state.tenants, app.state.trail = book.tenants, book.trail
        app.state.guards = Guards(book.store, (), Unlimited(), book.trail.note, peer)
        # what start-up made stays: looking through it for garbage would only make requests wait
        gc.freeze()
        try:
            yield
        finally:
            await anyio.to_thread.run_sync(book.close)

    app = FastAPI(title="Rollbook", version=__version__, lifespan=lifespan, docs_url=None, redoc_url=None)
    app.router.routes.extend(http.ROUTES)
    app.add_middleware(HotPath, routes=http.ROUTES)
    app.add_middleware(Gate, required=settings.auth == "required")
    if settings.auth == "none":
        app.add_middleware(Loopback)
    for routes in (letter_routes, import_routes, verify_routes):
        app.include_router(routes.router)
    api.install(app, http.OPENAPI)
    app.include_router(pages.router)
    return app
