"""The routes that change the key of a tenant's pseudonyms. It goes on after they answer, in a thread."""

import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Literal

import anyio.to_thread
import structlog
from fastapi import APIRouter, FastAPI, Request
from pydantic import BaseModel, Field

from rollbook.errors import Conflict, Forbidden, NotFound, RollbookError, Unavailable
from rollbook.governance.granted import Calling
from rollbook.governance.pseudonyms.rotation import rotate
from rollbook.ingest.intake import Intake

log = structlog.get_logger()


class RotationState(BaseModel):
    """How far the change of a key is."""

    tenant: str
    state: Literal["running", "finished", "failed"]
    rows: int = Field(description="Rows that are rewritten.")
    total_rows: int = Field(description="Rows that were to be rewritten when it began, or went on.")
    label: str = Field(description="What is being rewritten.")
    version: int | None = Field(description="At the end: the version of the key.")
    detail: str = Field(description="What failed.")


@dataclass(slots=True)
class _Run:
    """One change in a thread."""

    shown: RotationState
    stopping: threading.Event = field(default_factory=threading.Event)
    thread: threading.Thread | None = None

    def progress(self, done: int, total: int, label: str) -> None:
        """Told before every stretch; raises once it is to stop."""
        self.shown.rows, self.shown.total_rows, self.shown.label = done, total, label
        if self.stopping.is_set():
            raise Unavailable("the change of the key was stopped; the same call goes on from here")


class Rotations:
    """The changes of this process, one at a time."""

    def __init__(self) -> None:
        self._runs: dict[str, _Run] = {}
        self._lock = threading.Lock()

    def start(self, intake: Intake, tenant: str) -> RotationState:
        """Begin, or go on. Raises Conflict while one runs."""
        waiting = {"rows": 0, "total_rows": 0, "label": "waiting for what is on its way in", "version": None}
        run = _Run(RotationState(tenant=tenant, state="running", detail="", **waiting))
        with self._lock:
            if other := next((name for name, one in self._runs.items() if one.shown.state == "running"), None):
                raise Conflict(f"the key of tenant {other!r} is being changed; one change runs at a time, wait for it")
            self._runs[tenant] = run
        run.thread = threading.Thread(target=_work, args=(intake, run), name="key-change")
        run.thread.start()
        return run.shown

    def state(self, tenant: str) -> RotationState:
        """How far one is. Raises NotFound."""
        if tenant not in self._runs:
            raise NotFound(f"no key of tenant {tenant!r} was changed since this process started")
        return self._runs[tenant].shown

    def close(self) -> None:
        """Stop what runs, and wait for it."""
        for run in self._runs.values():
            run.stopping.set()
            if run.thread is not None:
                run.thread.join()


def _work(intake: Intake, run: _Run) -> None:
    shown = run.shown
    try:
        shown.version = rotate(intake.store, shown.tenant, drained=intake.drain, progress=run.progress)
        shown.state = "finished"
    except RollbookError as error:
        shown.state, shown.detail = "failed", error.detail
    except Exception as error:
        log.exception("key_change_failed", tenant=shown.tenant)
        shown.state, shown.detail = "failed", f"the key could not be changed: {type(error).__name__}; see the log"


@asynccontextmanager
async def _rotating(app: FastAPI) -> AsyncIterator[None]:
    """Changes stop before the store is closed."""
    app.state.rotations = Rotations()
    try:
        yield
    finally:
        await anyio.to_thread.run_sync(app.state.rotations.close)


router = APIRouter(prefix="/api/v2", tags=["tenants"], lifespan=_rotating)


@router.post("/tenants/{tenant}/rotate", summary="Change the key of a tenant's pseudonyms")
def rotate_key(request: Request, caller: Calling, tenant: str) -> RotationState:
    """Begin, or go on where it was stopped. While it lasts, other calls of the tenant are answered 503."""
    _check(caller, tenant)
    rotations: Rotations = request.app.state.rotations
    return rotations.start(request.app.state.intake, tenant)


@router.get("/tenants/{tenant}/rotate", summary="How far the change of a key is")
def show_rotation(request: Request, caller: Calling, tenant: str) -> RotationState:
    """How far it is, and what failed."""
    _check(caller, tenant)
    rotations: Rotations = request.app.state.rotations
    return rotations.state(tenant)


def _check(caller: Calling, tenant: str) -> None:
    if not caller.may_name(tenant):
        raise Forbidden(f"this key or token is of tenant {caller.tenant!r}, not of {tenant!r}")
