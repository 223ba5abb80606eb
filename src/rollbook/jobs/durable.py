"""Durable: work that goes on where it was when the machine died. DBOS is started when there is some, not before."""

import importlib
import threading
from types import ModuleType

import structlog
from sqlalchemy.engine import URL

from rollbook.governance.audit import Trail
from rollbook.governance.rights import Rights, Work
from rollbook.jobs.schedule import Task
from rollbook.settings import Settings
from rollbook.store import Store
from rollbook.store.records.database import address

log = structlog.get_logger()

WORKFLOWS = "rollbook.jobs.workflows"
FILE = "jobs.db"
LOOK_EVERY_SECONDS = 5.0
EXPIRE_EVERY_SECONDS = 3600.0
STOP_WITHIN_SECONDS = 60.0


class Durable:
    """The workflows of one store; of one at a time in a process."""

    def __init__(self, store: Store, trail: Trail | None = None) -> None:
        """Go on with what an earlier process left."""
        self._store = store
        self._work = Work(store, trail)
        self._starting = threading.Lock()
        self._dbos: ModuleType | None = None
        self._begun: set[str] = set()
        self._closed = False
        self.rights = Rights(store, self.begin)
        self.look()

    @property
    def tasks(self) -> tuple[Task, ...]:
        """What is looked after now and then."""
        return (
            Task("rights", LOOK_EVERY_SECONDS, lambda _: self.look(), "requests that another process took are begun"),
            Task("packages", EXPIRE_EVERY_SECONDS, lambda _: self.rights.expire(), "packages of requests expire"),
        )

    def begin(self, request: str) -> None:
        """Begin with a request, once; a process that does not write leaves it to the one that does."""
        if not self._store.may_write():
            return
        workflow = f"{request}.{self._work.attempt(request)}"
        with self._starting:
            if self._closed or workflow in self._begun:
                return
            dbos = self._started()
            dbos.begin(workflow, request)
            self._begun.add(workflow)

    def look(self) -> None:
        """Begin with every request that was kept and not begun."""
        if self._store.may_write():
            for request in self.rights.unfinished():
                self.begin(request)

    def close(self) -> None:
        """Let what runs come to the end of its step; the rest goes on at the next start."""
        with self._starting:
            self._closed = True
            if self._dbos is not None:
                self._dbos.stop(STOP_WITHIN_SECONDS)
                self._dbos = None

    def _started(self) -> ModuleType:
        """DBOS. Importing it costs half a second and 20 MB, which most processes never need."""
        if self._dbos is None:
            found = importlib.import_module(WORKFLOWS)
            found.launch(_database(self._store.settings), self._work)
            self._dbos = found
        return self._dbos


def _database(settings: Settings) -> URL:
    """Where DBOS keeps what runs: beside the records."""
    if settings.database_url:
        return address(settings).set(drivername="postgresql")
    return URL.create("sqlite", database=str(settings.data / FILE))
