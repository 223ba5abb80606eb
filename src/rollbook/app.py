"""The wiring: settings -> store -> way in -> tasks and routes. Nothing else knows all of them."""

import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Self

import anyio.to_thread
from fastapi import FastAPI

from rollbook import __version__
from rollbook.delivery import api, leaving, pages, sign_in
from rollbook.delivery.live import routes as live_routes
from rollbook.delivery.live.between import Between
from rollbook.delivery.live.desk import Desk
from rollbook.governance import headers
from rollbook.governance.audit import Trail
from rollbook.governance.audit import routes as audit_routes
from rollbook.governance.bodies import Bodies
from rollbook.governance.cors import Cors
from rollbook.governance.credentials import Credentials
from rollbook.governance.gate import Gate, Guards
from rollbook.governance.loopback import Loopback
from rollbook.governance.oidc import Provider
from rollbook.governance.rates import Addresses, Rates
from rollbook.governance.sessions import Sessions
from rollbook.governance.streams import Watch
from rollbook.governance.tenants import tenants_of
from rollbook.ingest import http, import_routes, letter_routes, verify_routes
from rollbook.ingest.hot_path import HotPath
from rollbook.ingest.intake import Intake
from rollbook.ingest.minimising import routes as minimising_routes
from rollbook.ingest.publishing import publisher_of
from rollbook.jobs.durable import Durable
from rollbook.jobs.runner import Runner
from rollbook.jobs.schedule import TASKS
from rollbook.settings import Settings
from rollbook.store import Store


class Rollbook:
    """Everything that runs in one process, with or without HTTP."""

    def __init__(self, settings: Settings) -> None:
        """Open the folder and start. Raises Conflict, Invalid or Unavailable."""
        self.settings = settings
        self.provider = Provider(settings) if settings.oidc_issuer else None
        self.store = Store(settings)
        self.tenants = tenants_of(self.store)
        self.trail = Trail(self.store)
        self.rates, self.address = Rates(settings), Addresses(settings.trusted_proxies)
        self.credentials = Credentials(self.store, self.tenants, slows=self.rates, address=self.address)
        self.sessions = Sessions(self.store, self.credentials.keys.is_good)
        self.publisher = publisher_of(self.store)
        self.intake = Intake(self.store, self.trail)
        self._durable = Durable(self.store, self.trail)
        self.rights = self._durable.rights
        self._runner = Runner(self.intake, TASKS + self._durable.tasks)

    def close(self) -> None:
        """Commit what waits, write down what is only in memory, and give the folder back."""
        if self.provider is not None:
            self.provider.close()
        self._runner.stop()
        self._durable.close()
        self.intake.close()
        if self.publisher is not None:
            self.publisher.close()
        self.trail.close()
        self.store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _between(settings: Settings, desk: Desk) -> Between | None:
    """Where other processes may write what this one answers from, and can tell of it."""
    if settings.clickhouse_url is None or settings.redis is None:
        return None
    return Between(settings.redis, desk.changes, desk.hear)


def create_app(settings: Settings) -> FastAPI:
    """The HTTP application; its lifespan opens and closes a Rollbook."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        book = await anyio.to_thread.run_sync(Rollbook, settings)
        app.state.book, app.state.store, app.state.intake = book, book.store, book.intake
        app.state.tenants, app.state.trail, app.state.provider = book.tenants, book.trail, book.provider
        app.state.rights, app.state.publisher = book.rights, book.publisher
        app.state.credentials, app.state.sessions = book.credentials, book.sessions
        app.state.watch = Watch(book.store, lambda who: book.credentials.is_good(who) and book.sessions.is_good(who))
        finds = (book.credentials, book.sessions)
        app.state.guards = Guards(book.store, finds, book.rates, book.trail.note, book.address)
        is_told = settings.clickhouse_url is None or settings.redis is not None
        desk = app.state.desk = Desk(book.store, app.state.watch.still_good, told=is_told)
        await desk.start()
        between = _between(settings, desk)
        leaving.make_room(settings.parallel_queries)
        # what start-up made stays: looking through it for garbage would only make requests wait
        gc.freeze()
        try:
            yield
        finally:
            await desk.close()
            if between is not None:
                await anyio.to_thread.run_sync(between.close)
            await book.credentials.close()
            await anyio.to_thread.run_sync(book.close)

    app = FastAPI(title="Rollbook", version=__version__, lifespan=lifespan, docs_url=None, redoc_url=None)
    app.state.settings = settings
    headers.install(app)
    app.router.routes.extend(http.ROUTES)
    app.add_middleware(Bodies, most_bytes=settings.max_body_bytes)
    app.add_middleware(leaving.Leaving)
    app.add_middleware(HotPath, routes=http.ROUTES)
    app.add_middleware(Gate, required=settings.auth == "required")
    app.add_middleware(Cors)
    if settings.auth == "none":
        app.add_middleware(Loopback)
    for routes in (letter_routes, import_routes, verify_routes, audit_routes, minimising_routes):
        app.include_router(routes.router)
    api.install(app, http.OPENAPI)
    app.include_router(pages.router)
    app.include_router(sign_in.router)
    app.include_router(live_routes.router)
    return app
