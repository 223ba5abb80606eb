"""Importing in chunks: each is recorded once it is finished, so an import goes on where it stopped, counted once."""

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

import pyarrow as pa

from rollbook.errors import RollbookError
from rollbook.ingest.intake import Intake
from rollbook.ingest.reasons import Rejected
from rollbook.store import Store, events, imported
from rollbook.store.intake import layouts

T = TypeVar("T")

# Told after every chunk: rows done, rows in all (estimated until the end), and what was read. What it raises stops the
# import there, and the next one goes on.
Progress = Callable[[int, int, str], None]

BULK = [name for name in events.SCHEMA.names if name not in ("received", "dialect")]


def quiet(done: int, total: int, label: str) -> None:
    """The progress of which nobody is told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A chunk's events, ready for `Intake.load`; the rows that were refused; how many rows have no day, so no event."""

    events: pa.Table
    refused: tuple[Rejected, ...] = ()
    undated: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """A part of a source, with the same rows on every import. `prepare` is called if it is not finished yet."""

    name: str
    rows: int
    label: str
    prepare: Callable[[], Prepared]


@dataclass(slots=True, kw_only=True)
class Summary:
    """What an import did. `rows` are those of the source, `events` those counted now; `undated` rows make no event."""

    source: str
    rows: int = 0
    events: int = 0
    duplicates: int = 0
    rejected: int = 0
    withheld: int = 0
    undated: int = 0
    chunks: int = 0
    chunks_before: int = 0
    repeated: bool = False

    def text(self) -> str:
        """In words."""
        if self.repeated:
            return f"nothing to do: all {self.rows:,} rows were imported before"
        parts = [f"{self.events:,} events of {self.rows:,} rows"]
        counts = {
            "were there already": self.duplicates,
            "refused, see the dead letters": self.rejected,
            "of people who may not be counted": self.withheld,
            "without a day": self.undated,
        }
        parts += [f"{count:,} {what}" for what, count in counts.items() if count]
        if self.chunks_before:
            parts.append(f"{self.chunks_before} of {self.chunks} chunks were finished before")
        return "; ".join(parts)


class Import:
    """One source on its way into one tenant.

    `source` names the content, so another content is another import; `overlaps` is how the names of sources begin whose
    events may be the same. Where such a one was begun before (this one included), the ids that are in the events
    already are left out: beyond any window a torn chunk does not double, nor does a copy that holds more.
    """

    def __init__(self, store: Store, intake: Intake, *, tenant: str, source: str, overlaps: str, dialect: str) -> None:
        self._store = store
        self._intake = intake
        self._tenant = tenant
        self._source = f"{source}:{tenant}"
        self._dialect = dialect
        before = [one for one in store.records.imports(tenant) if one["source"].startswith(overlaps)]
        self._careful = bool(before)
        self._own = next((one for one in before if one["source"] == self._source), None)
        self.summary = Summary(source=self._source)

    def repeated(self) -> bool:
        """Whether all of it was imported before; then the summary says so, and there is nothing to do."""
        if self._own is None or self._own["finished"] is None:
            return False
        self.summary.repeated, self.summary.rows = True, self._own["rows"]
        return True

    def run(self, chunks: Iterable[Chunk], total: int, progress: Progress) -> Summary:
        """Load every chunk that is not finished, the next one being prepared meanwhile; then roll up what was written.

        Raises what failed, naming the chunk; finished ones stay, and the next run goes on.
        """
        records = self._store.records
        records.start_import(self._tenant, self._source)
        finished = {chunk["chunk"] for chunk in records.chunks(self._source) if chunk["finished"]}
        label = ""
        progress(0, total, label)
        with closing(ahead(_prepared(chunks, finished))) as coming:
            for chunk, prepared in coming:
                self._take(chunk, prepared)
                label = chunk.label
                progress(self.summary.rows, max(total, self.summary.rows), label)
        self._store.rollups.roll(quiet_seconds=0, of=self._tenant)
        if self._store.may_write():
            layouts.lay_out(self._store.engine)
        records.finish_import(self._source)
        progress(self.summary.rows, self.summary.rows, label)
        return self.summary

    def once(self, chunk: str, rows: int, write: Callable[[], None]) -> None:
        """Write records rather than events, as a chunk of its own."""
        records = self._store.records
        records.start_import(self._tenant, self._source)
        if records.chunk_state(self._source, chunk) != "finished":
            records.start_chunk(self._source, chunk)
            write()
            records.finish_chunk(self._source, chunk, rows)
        self.summary.rows += rows

    def _take(self, chunk: Chunk, prepared: Prepared | None) -> None:
        self.summary.rows += chunk.rows
        self.summary.chunks += 1
        if prepared is None:
            self.summary.chunks_before += 1
            return
        records = self._store.records
        try:
            records.start_chunk(self._source, chunk.name)
            self._load(prepared)
            records.finish_chunk(self._source, chunk.name, chunk.rows)
        except RollbookError as error:
            again = "what came before is kept, and the same import goes on from here"
            raise type(error)(f"chunk {chunk.name} ({chunk.label}): {error.detail}; {again}") from error
        kept = sum(one.kept for one in prepared.refused)
        self.summary.rejected += kept
        self.summary.withheld += len(prepared.refused) - kept
        self.summary.undated += prepared.undated

    def _load(self, prepared: Prepared) -> None:
        # as they are stored, since the ids that are there already are stored so, too
        rows = self._intake.as_stored(prepared.events)
        rows = self._unknown(rows) if self._careful else rows
        self.summary.duplicates += len(prepared.events) - len(rows)
        if len(rows):
            receipt = self._intake.load(rows, self._dialect)
            self.summary.events += receipt.ingested
            self.summary.duplicates += receipt.duplicates
            self.summary.withheld += receipt.withheld
        if prepared.refused:
            self._intake.refuse(prepared.refused, self._tenant, self._dialect)

    def _unknown(self, rows: pa.Table) -> pa.Table:
        """The rows whose ids are not among the events yet."""
        known = imported.ids(self._store.engine, self._tenant, self._dialect, rows)
        if not known:
            return rows
        return rows.filter(pa.array([found not in known for found in rows["id"].to_pylist()], pa.bool_()))


def event_rows(tenant: str, columns: Mapping[str, pa.Array | str]) -> pa.Table:
    """Events of one tenant for `Intake.load`: a text stands for all rows, what is not named is empty."""
    count = next(len(column) for column in columns.values() if not isinstance(column, str))
    filled = {}
    for name in BULK:
        column = tenant if name == "tenant" else columns.get(name, "")
        kind = events.SCHEMA.field(name).type
        if not isinstance(column, str):
            filled[name] = column
        elif pa.types.is_string(kind):
            filled[name] = pa.repeat(pa.scalar(column), count)
        else:
            filled[name] = pa.nulls(count, kind)
    return pa.table(filled, schema=pa.schema([events.SCHEMA.field(name) for name in BULK]))


def ahead(items: Iterator[T]) -> Generator[T, None, None]:
    """The same items, each made in a thread while the one before is in use."""
    with ThreadPoolExecutor(1, thread_name_prefix="import-ahead") as pool:
        coming = pool.submit(_next, items)
        while got := coming.result():
            coming = pool.submit(_next, items)
            yield got[0]


def _next(items: Iterator[T]) -> tuple[T, ...]:
    """The next item as a tuple of one; at the end an empty one, since StopIteration cannot cross a thread."""
    return tuple(islice(items, 1))


def _prepared(chunks: Iterable[Chunk], finished: set[str]) -> Iterator[tuple[Chunk, Prepared | None]]:
    for chunk in chunks:
        yield chunk, None if chunk.name in finished else chunk.prepare()
