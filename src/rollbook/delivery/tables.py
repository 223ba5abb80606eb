"""Tables as text: CSV and JSON, piece by piece, in bounded memory.

A spreadsheet runs a cell that begins with one of `=+-@`, a tab or a carriage return as a formula, whoever wrote it;
so such a text gets an apostrophe in front in CSV (https://owasp.org/www-community/attacks/CSV_Injection). JSON has it
as it is.
"""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv as arrow_csv

RUNS_AS_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_FORMULA = r"^([=+\-@\t\r])"
# Arrow makes Python objects without ever giving way to other threads, so not too many at a time
ROWS_AT_ONCE = 2_000
ISO = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True)
class Table:
    """A named table that comes in blocks, each small enough for memory.

    `nested` names the columns that hold JSON text, which JSON output holds as what it is; `rows` is how many there
    are, where that is known before they are read.
    """

    name: str
    columns: tuple[str, ...]
    blocks: Iterable[pa.Table]
    nested: frozenset[str] = frozenset()
    rows: int | None = None


def as_csv(table: Table) -> Iterator[bytes]:
    """A header row, then the rows; UTF-8, times in ISO 8601, UTC."""
    yield ",".join(table.columns).encode() + b"\n"
    options = arrow_csv.WriteOptions(include_header=False)
    for block in table.blocks:
        piece = io.BytesIO()
        arrow_csv.write_csv(_mapped(block, _safe), piece, options)
        yield piece.getvalue()


def as_json(table: Table) -> Iterator[bytes]:
    """A list of objects, one a line."""
    encoder = msgspec.json.Encoder()
    yield b"["
    between = b"\n"
    for block in table.blocks:
        for batch in _mapped(block, _iso).to_batches(max_chunksize=ROWS_AT_ONCE):
            rows = batch.to_pylist()
            for row in rows:
                for name in table.nested:
                    row[name] = msgspec.Raw((row[name] or "null").encode())
            yield between + b",\n".join(map(encoder.encode, rows))
            between = b",\n"
    yield b"\n]\n"


def as_json_object(tables: Iterable[Table]) -> Iterator[bytes]:
    """An object that holds each table as a list under its name."""
    between = b"{"
    for table in tables:
        yield between + json.dumps(table.name).encode() + b": "
        yield from as_json(table)
        between = b","
    yield b"}\n"


def rows_as_csv(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> str:
    """A few rows as CSV; a list or an object in a cell is JSON text."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_cell(row[name]) for name in columns] for row in rows)
    return text.getvalue()


def _cell(value: object) -> object:
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, str) and value.startswith(RUNS_AS_FORMULA):
        return "'" + value
    return value


def _mapped(block: pa.Table, change: Any) -> pa.Table:
    return pa.table([change(column) for column in block.columns], names=block.column_names)


def _iso(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.strftime(column, ISO) if pa.types.is_timestamp(column.type) else column


def _safe(column: pa.ChunkedArray) -> pa.ChunkedArray:
    if pa.types.is_string(column.type):
        return pc.replace_substring_regex(column, _FORMULA, r"'\1")
    return _iso(column)
