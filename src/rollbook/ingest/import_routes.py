"""The routes of imports: start one from a file on this machine, look how far it is, stop it."""

import secrets
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import anyio.to_thread
import structlog
from fastapi import APIRouter, FastAPI, Request
from pydantic import BaseModel, Field

from rollbook.errors import Conflict, NotFound, RollbookError, Unavailable
from rollbook.governance.granted import Tenant
from rollbook.ingest.files import import_file
from rollbook.ingest.importing import Progress, Summary
from rollbook.ingest.intake import Intake
from rollbook.ingest.one_roster import RosterSummary, import_one_roster
from rollbook.ingest.oulad import import_oulad

log = structlog.get_logger()

MOST_REMEMBERED = 100

Kind = Literal["oulad", "file", "oneroster"]


class ImportRequest(BaseModel):
    """What to import."""

    kind: Kind = Field("file", description="A known data set, a OneRoster package, or a file of events.")
    path: Path = Field(description="Where it lies on the machine of the server.")
    mapping: dict[str, str] = Field({}, description="Which column holds what, by field; OneRoster: `user_id`.")


class ImportState(BaseModel):
    """How far an import is."""

    id: str
    kind: Kind
    path: Path
    state: Literal["running", "finished", "failed"]
    rows: int = Field(description="Rows of the source that are done.")
    total_rows: int = Field(description="Rows in all; an estimate until the end.")
    label: str = Field(description="What is being read.")
    detail: str = Field(description="At the end: what it did, or what failed.")
    status: int = Field(description="The HTTP status of what failed; 200 until then.")
    summary: dict[str, Any] | None = Field(description="At the end: what it did, in numbers.")


@dataclass(slots=True)
class _Run:
    """One import in a thread."""

    tenant: str
    wanted: ImportRequest
    id: str = field(default_factory=lambda: secrets.token_hex(6))
    state: Literal["running", "finished", "failed"] = "running"
    rows: int = 0
    total: int = 0
    label: str = ""
    detail: str = ""
    status: int = 200
    summary: Summary | RosterSummary | None = None
    stopping: threading.Event = field(default_factory=threading.Event)
    thread: threading.Thread | None = None

    def progress(self, done: int, total: int, label: str) -> None:
        """Told by the import after every chunk; raises once it is to stop."""
        self.rows, self.total, self.label = done, total, label
        if self.stopping.is_set():
            raise Unavailable("the import was stopped; the same import goes on from here")

    def shown(self) -> ImportState:
        return ImportState(
            id=self.id,
            kind=self.wanted.kind,
            path=self.wanted.path,
            state=self.state,
            rows=self.rows,
            total_rows=self.total,
            label=self.label,
            detail=self.detail,
            status=self.status,
            summary=_numbers(self.summary),
        )


class Imports:
    """The imports of this process, one at a time."""

    def __init__(self) -> None:
        self._runs: dict[str, _Run] = {}
        self._lock = threading.Lock()

    def start(self, intake: Intake, wanted: ImportRequest, tenant: str) -> ImportState:
        """Begin. Raises Conflict while another runs."""
        run = _Run(tenant, wanted)
        with self._lock:
            other = next((one for one in self._runs.values() if one.state == "running"), None)
            if other is not None:
                raise Conflict(f"{other.wanted.path} is being imported; one import runs at a time, wait for it")
            self._runs[run.id] = run
            while len(self._runs) > MOST_REMEMBERED:
                del self._runs[next(iter(self._runs))]
        run.thread = threading.Thread(target=_work, args=(intake, run), name=f"import-{run.id}")
        run.thread.start()
        return run.shown()

    def state(self, key: str) -> ImportState:
        """How far one is. Raises NotFound."""
        return self._found(key).shown()

    def stop(self, key: str) -> ImportState:
        """Let one end after the chunk that it is at; the same import goes on from there later."""
        run = self._found(key)
        run.stopping.set()
        return run.shown()

    def close(self) -> None:
        """Stop what runs, and wait for it."""
        for run in self._runs.values():
            run.stopping.set()
            if run.thread is not None:
                run.thread.join()

    def _found(self, key: str) -> _Run:
        if key not in self._runs:
            raise NotFound(f"no import {key!r} since this process started")
        return self._runs[key]


def _work(intake: Intake, run: _Run) -> None:
    try:
        run.summary = _import(intake, run, run.progress)
        run.detail = run.summary.text()
        run.state = "finished"
    except RollbookError as error:
        run.status, run.detail = error.status, error.detail
        run.state = "failed"
    except Exception as error:
        log.exception("import_failed", path=str(run.wanted.path))
        run.status, run.detail = 500, f"{run.wanted.path} could not be imported: {error!r}; see the log"
        run.state = "failed"


def _import(intake: Intake, run: _Run, progress: Progress) -> Summary | RosterSummary:
    wanted = run.wanted
    if wanted.kind == "oneroster":
        column = wanted.mapping.get("user_id", "sourcedId")
        return import_one_roster(intake.store, wanted.path, tenant=run.tenant, column=column, progress=progress)
    if wanted.kind == "oulad":
        return import_oulad(intake.store, intake, wanted.path, tenant=run.tenant, progress=progress)
    return import_file(
        *(intake.store, intake, wanted.path), tenant=run.tenant, mapping=wanted.mapping, progress=progress
    )


def _numbers(summary: Summary | RosterSummary | None) -> dict[str, Any] | None:
    if isinstance(summary, RosterSummary):
        return summary.numbers()
    names = ("rows", "events", "duplicates", "rejected", "withheld", "undated", "chunks", "chunks_before", "repeated")
    return None if summary is None else {name: getattr(summary, name) for name in names}


@asynccontextmanager
async def _importing(app: FastAPI) -> AsyncIterator[None]:
    """Imports end before the store is closed."""
    app.state.imports = Imports()
    try:
        yield
    finally:
        await anyio.to_thread.run_sync(app.state.imports.close)


router = APIRouter(prefix="/api/v2", tags=["ingest"], lifespan=_importing)


@router.post("/imports", summary="Import a data set or a file of this machine")
def start_import(request: Request, wanted: ImportRequest, tenant: Tenant) -> ImportState:
    """Begin an import; it goes on after this answers."""
    imports: Imports = request.app.state.imports
    return imports.start(request.app.state.intake, wanted, tenant)


@router.get("/imports/{key}", summary="How far an import is")
def show_import(request: Request, key: str) -> ImportState:
    """How far it is, and what it did in the end."""
    imports: Imports = request.app.state.imports
    return imports.state(key)


@router.post("/imports/{key}/stop", summary="Stop an import")
def stop_import(request: Request, key: str) -> ImportState:
    """End it after the chunk that it is at."""
    imports: Imports = request.app.state.imports
    return imports.stop(key)
