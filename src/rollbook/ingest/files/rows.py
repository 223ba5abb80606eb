"""The rows of a CSV, JSONL or Parquet file, one at a time; a bad one stops none of the others."""

import codecs
import csv
import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

import pyarrow as pa
from pyarrow import parquet

from rollbook.errors import Invalid
from rollbook.ingest import loose
from rollbook.ingest.reasons import Refusal

GZIP, PARQUET = b"\x1f\x8b", b"PAR1"
DELIMITERS = ",;\t|"
PARQUET_ROWS = 10_000
BLOCK_BYTES = 1 << 20
# a line may hold an event of the largest size, escaped, and its ids
LINE_PER_EVENT = 4


@dataclass(frozen=True, slots=True)
class Row:
    """One row of about `size` bytes: its fields by column; or, if it cannot be read, why, and its bytes."""

    fields: dict[str, Any]
    size: int
    refusal: Refusal | None = None
    original: bytes = b""


class Rows:
    """A file's rows, in order. Raises Invalid if it is not there, or is none of the three kinds."""

    def __init__(self, path: Path, most_event_bytes: int) -> None:
        if not path.is_file():
            raise Invalid(f"{path} is not a file; name a CSV, JSONL or Parquet file, or `oulad` and a folder")
        self.path = path
        self._most_bytes = most_event_bytes * LINE_PER_EVENT
        with self._reading(), path.open("rb") as stream:
            self._packed = stream.read(2) == GZIP
        with self._reading(), self._bytes() as stream:
            self._head = stream.read(BLOCK_BYTES)
        self.kind = self._kind()

    def estimated(self) -> int:
        """How many rows there are: exact for Parquet, else one for each line."""
        with self._reading():
            if self.kind == "parquet":
                return int(parquet.ParquetFile(self.path).metadata.num_rows)
            with self._bytes() as stream:
                lines = sum(block.count(b"\n") for block in iter(lambda: stream.read(BLOCK_BYTES), b""))
            return lines - (self.kind == "csv")

    def __iter__(self) -> Iterator[Row]:
        with self._reading():
            yield from {"parquet": self._parquet, "jsonl": self._jsonl, "csv": self._csv}[self.kind]()

    def _kind(self) -> str:
        names = [suffix.lower() for suffix in self.path.suffixes]
        start = self._head.removeprefix(codecs.BOM_UTF8).lstrip()[:1]
        if self._head[:4] == PARQUET:
            return "parquet"
        if start == b"[":
            raise Invalid(f"{self.path} is a JSON list; write one object on each line (JSONL)")
        if start == b"{" or {".jsonl", ".ndjson"} & set(names):
            return "jsonl"
        if not start:
            raise Invalid(f"{self.path} is empty")
        if b"\0" in self._head and self._encoding() == "utf-8":
            raise Invalid(f"{self.path} is neither CSV, JSONL nor Parquet")
        return "csv"

    def _encoding(self) -> str:
        if self._head[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
            return "utf-16"
        return "utf-8-sig" if self._head.startswith(codecs.BOM_UTF8) else "utf-8"

    @contextmanager
    def _bytes(self) -> Iterator[IO[bytes]]:
        with self.path.open("rb") as stream:
            yield cast(IO[bytes], gzip.GzipFile(fileobj=stream)) if self._packed else stream

    @contextmanager
    def _reading(self) -> Iterator[None]:
        try:
            yield
        except (OSError, EOFError, zlib.error, UnicodeError, pa.ArrowException) as error:
            raise Invalid(f"{self.path} cannot be read: {error}") from error

    def _jsonl(self) -> Iterator[Row]:
        with self._bytes() as stream:
            if self._head.startswith(codecs.BOM_UTF8):
                stream.read(len(codecs.BOM_UTF8))
            while line := stream.readline(self._most_bytes):
                whole = line.endswith(b"\n") or len(line) < self._most_bytes
                if not whole:
                    self._skip(stream)
                    yield _refused("properties_too_large", f"the line is longer than {self._most_bytes} bytes", line)
                elif line.strip():
                    yield _json(line.strip())

    def _skip(self, stream: IO[bytes]) -> None:
        """The rest of a line."""
        while (rest := stream.readline(self._most_bytes)) and not rest.endswith(b"\n"):
            pass

    def _csv(self) -> Iterator[Row]:
        # a field may be as large as an event; the module's own limit is lower
        csv.field_size_limit(max(csv.field_size_limit(), self._most_bytes))
        with self._bytes() as stream:
            lines = _Lines(io.TextIOWrapper(stream, self._encoding(), errors="surrogateescape", newline=""))
            header = lines.header()
            reader = csv.reader(lines, delimiter=max(DELIMITERS, key=header.count), strict=False)
            columns = self._columns(next(reader, []))
            lines.take()
            while (row := _csv_row(reader, columns, lines)) is not None:
                if row.fields or row.refusal:
                    yield row

    def _columns(self, names: list[str]) -> list[str]:
        columns = [name.strip() or f"column_{place}" for place, name in enumerate(names, 1)]
        if twice := sorted({name for name in columns if columns.count(name) > 1}):
            raise Invalid(f"{self.path} has more than one column {', '.join(twice)}; give each its own name")
        return columns

    def _parquet(self) -> Iterator[Row]:
        for batch in parquet.ParquetFile(self.path).iter_batches(PARQUET_ROWS):
            table = pa.Table.from_batches([batch])
            # Python's times have microseconds
            exact = [_microseconds(field) for field in table.schema]
            size = table.nbytes // max(len(table), 1)
            for fields in table.cast(pa.schema(exact), safe=False).to_pylist(maps_as_pydicts="lossy"):
                yield Row(fields, size)


class _Lines:
    """The lines of a text, which remembers those of the row that is being read."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self._first: str | None = None
        self._taken: list[str] = []

    def header(self) -> str:
        """The first line, which is read again."""
        self._first = self._stream.readline()
        return self._first

    def take(self) -> bytes:
        """The bytes of the row that was just read."""
        original = "".join(self._taken).encode("utf-8", "surrogateescape")
        self._taken.clear()
        return original.rstrip(b"\r\n")

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line, self._first = self._first if self._first is not None else self._stream.readline(), None
        if not line:
            raise StopIteration
        self._taken.append(line)
        return line


def _csv_row(reader: Iterator[list[str]], columns: list[str], lines: _Lines) -> Row | None:
    """The next row; None at the end. Empty lines are rows without fields."""
    try:
        values = next(reader)
    except StopIteration:
        return None
    except csv.Error as error:
        return _refused("not_an_object", f"the row is no CSV: {error}", lines.take())
    original = lines.take()
    if len(values) > len(columns):
        return _refused("not_an_object", f"the row has {len(values)} fields, the header {len(columns)}", original)
    if not original.isascii() and loose.is_not_text(original):
        return _refused("not_utf8", "", original)
    return Row(dict(zip(columns, values, strict=False)), len(original))


def _json(line: bytes) -> Row:
    try:
        return Row(loose.document(line), len(line))
    except Refusal as refusal:
        return Row({}, len(line), refusal, line)
    except RecursionError:
        return _refused("nested_too_deep", "", line)


def _refused(reason: str, detail: str, original: bytes) -> Row:
    return Row({}, len(original), Refusal(reason, detail), original)


def _microseconds(field: pa.Field) -> pa.Field:
    if pa.types.is_timestamp(field.type) and field.type.unit == "ns":
        return field.with_type(pa.timestamp("us", field.type.tz))
    return field
