"""`rollbook import FILE`: events from a CSV, JSONL or Parquet file of any columns."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from itertools import chain
from pathlib import Path

import msgspec

from rollbook.errors import Invalid
from rollbook.governance.pseudonyms import Pseudonyms
from rollbook.ingest.batch import Batch
from rollbook.ingest.columns import rows_of
from rollbook.ingest.dialects.native import NATIVE
from rollbook.ingest.files.mapping import Columns
from rollbook.ingest.files.rows import Row, Rows
from rollbook.ingest.importing import BULK, Chunk, Import, Prepared, Progress, Summary, quiet
from rollbook.ingest.intake import Intake
from rollbook.ingest.permitting.steps import Standings, standings_of, withhold
from rollbook.ingest.pipeline import prepare
from rollbook.ingest.reasons import Refusal, Rejected
from rollbook.settings import Settings
from rollbook.store import Store

DIALECT = "import:file"
CHUNK_ROWS = 20_000
CHUNK_BYTES = 32 << 20


def import_file(
    store: Store,
    intake: Intake,
    path: Path,
    *,
    tenant: str = "default",
    mapping: Mapping[str, str] | None = None,
    progress: Progress = quiet,
) -> Summary:
    """Import a file; `mapping` as in Columns. Rows go through the same checks as events over HTTP, bad ones to the dead
    letters with their index. A row without an id gets one of the file's content, the mapping and the row's number,
    so that the same file with the same mapping counts once. Raises Invalid if the file or the mapping does not do.
    """
    rows, columns = Rows(path, store.settings.max_event_bytes), Columns(mapping or {})
    source = f"file:{_fingerprint(path, columns)}"
    run = Import(store, intake, tenant=tenant, source=source, overlaps=source, dialect=DIALECT)
    if run.repeated():
        return run.summary
    pieces = _pieces(rows)
    first = next(pieces, [])
    if not first:
        raise Invalid(f"{path} has no rows")
    columns.check(list({name: None for row in first for name in row.fields}))
    maker = _Maker(
        settings=store.settings,
        pseudonyms=intake.pseudonyms,
        standing=standings_of(store),
        tenant=tenant,
        columns=columns,
        source=source,
        label=path.name,
    )
    return run.run(_chunks(chain([first], pieces), maker), rows.estimated(), progress)


def _fingerprint(path: Path, columns: Columns) -> str:
    """The same for the same bytes and mapping."""
    with path.open("rb") as stream:
        found = hashlib.file_digest(stream, "sha256")
    found.update(columns.described().encode())
    return found.hexdigest()[:32]


def _pieces(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """The rows in lists of bounded length and size."""
    held: list[Row] = []
    size = 0
    for row in rows:
        held.append(row)
        size += row.size
        if len(held) >= CHUNK_ROWS or size >= CHUNK_BYTES:
            yield held
            held, size = [], 0
    if held:
        yield held


@dataclass(frozen=True, slots=True, kw_only=True)
class _Maker:
    """What turns rows into events, the same for every chunk."""

    settings: Settings
    pseudonyms: Pseudonyms
    standing: Standings
    tenant: str
    columns: Columns
    source: str
    label: str

    def prepare(self, rows: list[Row], start: int) -> Prepared:
        """The rows as events; `start` is how many rows came before."""
        texts: list[bytes] = []
        places: list[int] = []
        refused: list[Rejected] = []
        for place, row in enumerate(rows, start):
            try:
                texts.append(self._text(row, place))
                places.append(place)
            except Refusal as refusal:
                original = row.original or msgspec.json.encode(row.fields)
                refused.append(Rejected(place, refusal.reason, refusal.detail, original, "map"))
        body = b"[" + b",".join(texts) + b"]"
        batch = Batch(body, NATIVE, datetime.now(UTC), self.tenant, most=len(rows), pseudonyms=self.pseudonyms)
        prepare(batch, self.settings)
        # what is wrong of people of whom nothing may be kept is no dead letter; `Intake.load` leaves out what is right
        batch.standing = self.standing
        withhold(batch, self.settings)
        refused += [replace(one, index=places[one.index]) for one in batch.rejected]
        return Prepared(events=rows_of([batch], batch.received).select(BULK), refused=tuple(map(self._placed, refused)))

    def _text(self, row: Row, place: int) -> bytes:
        if row.refusal:
            raise row.refusal
        event = self.columns.event(row.fields, f"{self.source}:{place + 1}")
        return msgspec.json.encode(event)

    def _placed(self, refused: Rejected) -> Rejected:
        """Which row of which file it was, for people."""
        return replace(refused, detail=f"{self.label}, row {refused.index + 1}: {refused.detail}")


def _chunks(pieces: Iterable[list[Row]], maker: _Maker) -> Iterator[Chunk]:
    start = 0
    for rows in pieces:
        name = f"rows {start}-{start + len(rows)}"
        yield Chunk(name=name, rows=len(rows), label=maker.label, prepare=partial(maker.prepare, rows, start))
        start += len(rows)
