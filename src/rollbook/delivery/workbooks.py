"""Tables as an Excel workbook, a sheet each, written row by row to a file in bounded memory.

Texts are written as texts, never as formulas or links. What Excel cannot hold (1,048,576 rows of a sheet, 32,767
characters of a cell) is cut, and a sheet named Note says what was.
"""

import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import IO, Any

import pyarrow as pa
import xlsxwriter
from xlsxwriter.exceptions import XlsxWriterException
from xlsxwriter.workbook import Workbook as Writer
from xlsxwriter.worksheet import Worksheet as Sheet

from rollbook.delivery.tables import ROWS_AT_ONCE, Table
from rollbook.errors import Unavailable

MOST_ROWS = 1_048_576
MOST_CHARACTERS = 32_767
PIECE_BYTES = 1 << 18

OPTIONS = {
    "constant_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
    "nan_inf_to_errors": True,
    "remove_timezone": True,
}
NOT_IN_XML = {0xFFFE: "\ufffd", 0xFFFF: "\ufffd"}


@dataclass
class Workbook:
    """A finished workbook: its file, and in words what did not fit."""

    file: IO[bytes]
    cuts: list[str] = field(default_factory=list)

    @property
    def size_bytes(self) -> int:
        """How large the file is."""
        return self.file.seek(0, 2)

    def pieces(self) -> Iterator[bytes]:
        """The file, piece by piece; it is gone afterwards."""
        with self.file:
            self.file.seek(0)
            while piece := self.file.read(PIECE_BYTES):
                yield piece


def workbook(tables: Iterable[Table], *, most_rows: int = MOST_ROWS) -> Workbook:
    """All tables in one workbook, in a temporary file. Raises Unavailable where that cannot be written."""
    try:
        made = Workbook(tempfile.TemporaryFile())  # noqa: SIM115 - it lives as long as the answer is sent
        with xlsxwriter.Workbook(made.file, OPTIONS) as writer:
            formats = _Formats(writer)
            for table in tables:
                sheet = writer.add_worksheet(table.name.replace("_", " ").capitalize())
                made.cuts += _write(sheet, table, formats, most_rows)
            if made.cuts:
                _note(writer, made.cuts, formats)
    except (OSError, XlsxWriterException) as error:
        raise Unavailable(f"cannot write the workbook to a temporary file: {error}", retry_after_seconds=60) from error
    return made


class _Formats:
    def __init__(self, writer: Writer) -> None:
        self.head = writer.add_format({"bold": True, "bg_color": "#E8EEF4", "bottom": 1})
        self.moment = writer.add_format({"num_format": "yyyy-mm-dd hh:mm:ss.000"})
        self.day = writer.add_format({"num_format": "yyyy-mm-dd"})


def _write(sheet: Sheet, table: Table, formats: _Formats, most_rows: int) -> list[str]:
    """A header row that stays in sight, and the rows that fit; what was cut."""
    sheet.freeze_panes(1, 0)
    sheet.set_column(0, len(table.columns) - 1, 20)
    for place, name in enumerate(table.columns):
        sheet.write_string(0, place, name, formats.head)
    row, shortened, more = 0, 0, False
    for block in table.blocks:
        fitting = block.slice(0, most_rows - 1 - row)
        writers = [_cells(sheet, column.type, formats) for column in fitting.columns]
        for values in _values(fitting):
            row += 1
            for place, (write, value) in enumerate(zip(writers, values, strict=True)):
                if value is not None and value != "":
                    shortened += write(row, place, value)
        if more := fitting.num_rows < block.num_rows:
            break
    sheet.autofilter(0, 0, row, len(table.columns) - 1)
    return _cuts(table, row if more else None, shortened)


def _values(block: pa.Table) -> Iterator[tuple[Any, ...]]:
    for batch in block.to_batches(max_chunksize=ROWS_AT_ONCE):
        yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)


def _cuts(table: Table, first: int | None, shortened: int) -> list[str]:
    cuts = []
    if first is not None:
        rows = f"of {table.rows} rows" if table.rows else "rows of more"
        cuts.append(f"{table.name}: the first {first} {rows}; Excel holds no more, CSV and JSON do")
    if shortened:
        cuts.append(
            f"{table.name}: {shortened} texts shortened to {MOST_CHARACTERS} characters; CSV and JSON have them whole"
        )
    return cuts


def _cells(sheet: Sheet, kind: pa.DataType, formats: _Formats) -> Callable[[int, int, Any], int]:
    """How a cell of a column is written; it answers 1 where the value was shortened."""

    def text(row: int, place: int, value: str) -> int:
        sheet.write_string(row, place, _written(value[:MOST_CHARACTERS]))
        return int(len(value) > MOST_CHARACTERS)

    def number(row: int, place: int, value: float) -> int:
        sheet.write_number(row, place, value)
        return 0

    def moment(row: int, place: int, value: datetime | date) -> int:
        sheet.write_datetime(row, place, value, formats.moment if isinstance(value, datetime) else formats.day)
        return 0

    if pa.types.is_temporal(kind):
        return moment
    return number if pa.types.is_integer(kind) or pa.types.is_floating(kind) else text


def _written(value: str) -> str:
    """A text as XlsxWriter can write it: one in `<r>` it would take for its own markup, and XML forbids some."""
    if value.startswith("<r>"):
        value = " " + value[: MOST_CHARACTERS - 1]
    return value if value.isascii() else value.translate(NOT_IN_XML)


def _note(writer: Writer, cuts: list[str], formats: _Formats) -> None:
    sheet = writer.add_worksheet("Note")
    sheet.set_column(0, 0, 120)
    sheet.write_string(0, 0, "Not everything is in this workbook", formats.head)
    for row, cut in enumerate(cuts, 1):
        sheet.write_string(row, 0, cut)
