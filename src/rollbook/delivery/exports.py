"""Exports: the events of a scope, and metrics, as CSV, JSON or an Excel workbook.

CSV and JSON are made while they are sent. CSV holds one table, JSON and Excel hold all that were asked for.
"""

import itertools
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

from rollbook.analyses.ask import allowed
from rollbook.delivery.metric_tables import METRICS, Period, metric_table
from rollbook.delivery.tables import Table, as_csv, as_json, as_json_object
from rollbook.delivery.workbooks import MOST_ROWS, workbook
from rollbook.errors import Invalid, Unavailable
from rollbook.governance.grants import Grant
from rollbook.store import Scope, Store
from rollbook.store.extract import COLUMNS, Extract

Format = Literal["csv", "json", "xlsx", "excel"]
EVENTS = "events"
MEDIA_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "json": "application/json",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}

# a workbook keeps a processor busy, so they are made one after the other
_one_workbook = threading.Lock()
WORKBOOK_WAIT_SECONDS = 20


@dataclass(frozen=True)
class Wanted:
    """What to export: `scope`'s events, of some types only where they are named, and metrics by name.

    `grant`: what may be seen of it; None: all.
    """

    scope: Scope
    types: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()
    grant: Grant | None = None

    def seen(self) -> Grant:
        """What may be seen of it."""
        return self.grant or Grant(self.scope.tenant)

    def __post_init__(self) -> None:
        """Raises Invalid where nothing can be meant."""
        if self.scope.begin > self.scope.until:
            raise Invalid(f"the export ends ({self.scope.until:%Y-%m-%d %H:%M}) before it starts; swap start and end")
        for name in self.metrics:
            if name != EVENTS and name not in METRICS:
                raise Invalid(f"no metric {name!r} to export; there are: {', '.join((EVENTS, *METRICS))}")


@dataclass(frozen=True)
class Export:
    """A file: its name, its type, headers that say what it lacks, and its bytes piece by piece."""

    filename: str
    media_type: str
    pieces: Iterator[bytes]
    headers: dict[str, str] = field(default_factory=dict)


def export(store: Store, wanted: Wanted, form: Format, *, most_rows: int = MOST_ROWS) -> Export:
    """A file of what is wanted. Raises Unavailable, QueryTimeout or Invalid, before the first byte if it can."""
    kind = "xlsx" if form == "excel" else form
    events = Extract(store.engine, allowed(store, wanted.seen(), wanted.scope), wanted.types)
    names = list(dict.fromkeys(wanted.metrics)) or [EVENTS]
    headers = {"X-Rollbook-Range": f"{_iso(wanted.scope.begin)}/{_iso(wanted.scope.until)}"}
    if kind == "xlsx":
        # document 1's workbook always has its sheet of events
        chosen = [EVENTS, *(name for name in names if name != EVENTS)]
        pieces, more = _excel(_tables(store, wanted, events, chosen), most_rows)
        headers |= more
    elif kind == "csv":
        only = names[0] if len(names) == 1 else EVENTS
        if left_out := [name for name in names if name != only]:
            headers["X-Rollbook-Left-Out"] = ", ".join(left_out)
        pieces = as_csv(next(_tables(store, wanted, events, [only])))
    else:
        tables = _tables(store, wanted, events, names)
        pieces = as_json_object(tables) if wanted.metrics else as_json(next(tables))
    name = f"rollbook-{wanted.scope.begin:%Y-%m-%d}-{wanted.scope.until:%Y-%m-%d}.{kind}"
    return Export(name, MEDIA_TYPES[kind], _begun(pieces), headers)


def _tables(store: Store, wanted: Wanted, events: Extract, names: Sequence[str]) -> Iterator[Table]:
    period = Period(store, wanted.seen(), wanted.scope.begin, wanted.scope.until)
    for name in names:
        if name == EVENTS:
            yield Table(EVENTS, COLUMNS, events.blocks(), frozenset({"metadata"}), events.events)
        else:
            yield metric_table(name, period)


def _begun(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The pieces, the first of them made already: what fails at once fails before anything is sent."""
    return itertools.chain(list(itertools.islice(pieces, 2)), pieces)


def _excel(tables: Iterator[Table], most_rows: int) -> tuple[Iterator[bytes], dict[str, str]]:
    with _alone():
        made = workbook(tables, most_rows=most_rows)
    headers = {"Content-Length": str(made.size_bytes)}
    if made.cuts:
        headers["X-Rollbook-Truncated"] = "; ".join(made.cuts)
    return made.pieces(), headers


@contextmanager
def _alone() -> Iterator[None]:
    if not _one_workbook.acquire(timeout=WORKBOOK_WAIT_SECONDS):
        raise Unavailable("another workbook is being made; ask again later, or for csv", retry_after_seconds=30)
    try:
        yield
    finally:
        _one_workbook.release()


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
