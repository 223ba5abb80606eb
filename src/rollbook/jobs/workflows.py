"""Workflows: what DBOS runs. Its tables hold ids of requests and names of steps, and nothing else of anybody.

Imported when the first workflow runs, not before: it takes half a second and 20 MB, and most processes need none.
"""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

import structlog
from dbos import DBOS, DBOSConfig, SetWorkflowID
from dbos._error import DBOSMaxStepRetriesExceeded
from dbos._serialization import DBOSPortableJSON
from sqlalchemy.engine import URL

from rollbook.errors import RollbookError

log = structlog.get_logger()

NAME = "rollbook"
# steps can be done again, so a newer Rollbook goes on with what an older one began
VERSION = "1"
THREADS = 4
ATTEMPTS = 10


class Works(Protocol):
    """What is to be done for requests, in steps of which each can be done again."""

    def steps(self, request: str) -> Sequence[str]:
        """The names of the steps, in order."""

    def do(self, request: str, step: str) -> None:
        """Do one step."""

    def fail(self, request: str, why: str) -> None:
        """Note that a step cannot be done; `why` names nobody."""


class StepFailed(Exception):
    """A step failed. It says no more than which kind of error it was, since DBOS writes it down."""


class Stopping(BaseException):
    """The process ends. Not an Exception, so that DBOS leaves the workflow as it is, to go on at the next start."""


class _Running:
    """The one DBOS of this process."""

    def __init__(self) -> None:
        self.works: Works | None = None
        self.stopping = threading.Event()
        self.idle = threading.Condition()
        self.active = 0

    @contextmanager
    def step(self) -> Iterator[None]:
        """While it lasts, the store is needed."""
        with self.idle:
            if self.stopping.is_set():
                raise Stopping
            self.active += 1
        try:
            yield
        finally:
            with self.idle:
                self.active -= 1
                self.idle.notify_all()


_running = _Running()


def launch(database: URL, works: Works) -> None:
    """Start DBOS, which goes on with what was left running."""
    _running.works = works
    _running.stopping.clear()
    config: DBOSConfig = {
        "name": NAME,
        "system_database_url": database.render_as_string(hide_password=False),
        "application_version": VERSION,
        "executor_id": NAME,
        "serializer": DBOSPortableJSON,
        "enable_otlp": False,
        "log_level": "WARNING",
        "use_listen_notify": False,
        "max_executor_threads": THREADS,
        "scheduler_polling_interval_sec": 3600.0,
    }
    DBOS(config=config)
    DBOS.launch()


def begin(workflow: str, request: str) -> None:
    """Run the steps of a request; nothing happens if this workflow was begun before."""
    with SetWorkflowID(workflow):
        DBOS.start_workflow(carry_out, request)


def stop(wait_seconds: float) -> None:
    """Let the steps that run come to their end, and DBOS too. What is left goes on at the next start."""
    _running.stopping.set()
    with _running.idle:
        if not _running.idle.wait_for(lambda: not _running.active, wait_seconds):
            log.warning("jobs_cut_off", steps=_running.active, effect="they are done again at the next start")
    DBOS.destroy()


@DBOS.workflow(name="carry_out")
def carry_out(request: str) -> None:
    """Do all steps of a request, each until it succeeds or has failed too often."""
    works = _works()
    try:
        for step in works.steps(request):
            DBOS.run_step({"name": step, "retries_allowed": True, "max_attempts": ATTEMPTS}, _do, request, step)
    except Exception as error:
        last = error.errors[-1] if isinstance(error, DBOSMaxStepRetriesExceeded) else error
        works.fail(request, f"it could not be finished ({last}); it can be begun again")


def _do(request: str, step: str) -> None:
    with _running.step():
        try:
            _works().do(request, step)
        except Exception as error:
            told = error.detail if isinstance(error, RollbookError) else type(error).__name__
            log.warning("step_failed", request=request, step=step, detail=told, effect="it is tried again")
            failed = StepFailed(f"step {step}: {type(error).__name__}")
        else:
            return
    raise failed


def _works() -> Works:
    if _running.works is None or _running.stopping.is_set():
        raise Stopping
    return _running.works
