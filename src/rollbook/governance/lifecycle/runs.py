"""Runs: restores in the background, one at a time, with how far they are."""

import secrets
import threading
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

import structlog

from rollbook.errors import Conflict, NotFound, RollbookError, Unavailable
from rollbook.governance.lifecycle.restoring import Load, Restored, Restoring
from rollbook.store import Store

log = structlog.get_logger()

MOST_REMEMBERED = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """What to restore: a tenant's days from `begin` to `until`, both included (None: all), `into` which tenant."""

    tenant: str
    begin: date | None = None
    until: date | None = None
    into: str | None = None


@dataclass(slots=True)
class Run:
    """One restore. `done` of `total` events; `status`: the HTTP status of what failed, 200 until then."""

    wanted: Range
    id: str = field(default_factory=lambda: secrets.token_hex(6))
    state: Literal["running", "finished", "failed"] = "running"
    done: int = 0
    total: int = 0
    label: str = ""
    detail: str = ""
    status: int = 200
    summary: Restored | None = None
    stopping: threading.Event = field(default_factory=threading.Event)
    thread: threading.Thread | None = None

    def progress(self, done: int, total: int, label: str) -> None:
        """Told after every block; raises once it is to stop."""
        self.done, self.total, self.label = done, total, label
        if self.stopping.is_set():
            raise Unavailable("the restore was stopped; the same restore goes on from here")


class Runs:
    """The restores of this process."""

    def __init__(self) -> None:
        self._runs: dict[str, Run] = {}
        self._lock = threading.Lock()

    def start(self, store: Store, load: Load, wanted: Range) -> Run:
        """Begin. Raises Conflict while another runs."""
        run = Run(wanted)
        with self._lock:
            if any(one.state == "running" for one in self._runs.values()):
                raise Conflict("archives are being restored; one restore runs at a time, wait for it")
            self._runs[run.id] = run
            while len(self._runs) > MOST_REMEMBERED:
                del self._runs[next(iter(self._runs))]
        run.thread = threading.Thread(target=_work, args=(store, load, run), name=f"restore-{run.id}")
        run.thread.start()
        return run

    def found(self, key: str, tenant: str) -> Run:
        """One of a tenant's. Raises NotFound."""
        run = self._runs.get(key)
        if run is None or run.wanted.tenant != tenant:
            raise NotFound(f"no restore {key!r} since this process started")
        return run

    def close(self) -> None:
        """Stop what runs, and wait for it."""
        for run in self._runs.values():
            run.stopping.set()
            if run.thread is not None:
                run.thread.join()


def _work(store: Store, load: Load, run: Run) -> None:
    wanted = run.wanted
    try:
        restoring = Restoring(store, load, run.progress)
        run.summary = restoring.run(wanted.tenant, wanted.begin, wanted.until, into=wanted.into)
        run.detail, run.state = run.summary.text(), "finished"
    except RollbookError as error:
        run.status, run.detail, run.state = error.status, error.detail, "failed"
    except Exception as error:
        log.exception("restore_failed", tenant=wanted.tenant)
        run.status, run.detail = 500, f"archives could not be restored: {error!r}; see the log"
        run.state = "failed"
