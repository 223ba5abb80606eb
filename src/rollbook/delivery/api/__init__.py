"""The HTTP API: one file for each API document, and one for the questions. To add one: its file, one line here."""

from typing import Any

from fastapi import APIRouter, FastAPI

from rollbook.delivery.api import (
    agent,
    ask,
    consents,
    directory,
    documents,
    engine,
    health,
    keys,
    lifecycle,
    live,
    privacy,
    pseudonyms,
    refusals,
    reports,
    roster,
    studyin,
    tenants,
)
from rollbook.delivery.api.definitions import routes as definitions

ROUTERS: tuple[APIRouter, ...] = (
    health.router,
    agent.router,
    studyin.router,
    reports.router,
    ask.router,
    tenants.router,
    keys.router,
    live.router,
    roster.router,
    consents.router,
    privacy.router,
    directory.router,
    pseudonyms.router,
    lifecycle.router,
    *engine.ROUTERS,
    definitions.router,
)


def install(app: FastAPI, extra_paths: dict[str, Any]) -> None:
    """All routes, the form of errors and the documentation; `extra_paths` describes routes that FastAPI does not."""
    refusals.install(app)
    for router in ROUTERS:
        app.include_router(router)
    documents.install(app, extra_paths)
