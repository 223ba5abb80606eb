"""A copy of the dataset: a zip or a folder of the seven CSV files, checked before anything of it is imported."""

import csv
import hashlib
import io
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, Self

import pyarrow as pa
from pyarrow import csv as arrow_csv

from rollbook.errors import Invalid

TEXT, WHOLE, NUMBER = pa.string(), pa.int64(), pa.float64()

_PRESENTED = {"code_module": TEXT, "code_presentation": TEXT}

COLUMNS: dict[str, dict[str, pa.DataType]] = {
    "courses.csv": _PRESENTED | {"module_presentation_length": WHOLE},
    "assessments.csv": _PRESENTED | {"id_assessment": WHOLE, "assessment_type": TEXT, "date": WHOLE, "weight": NUMBER},
    "vle.csv": _PRESENTED | {"id_site": WHOLE, "activity_type": TEXT},
    "studentInfo.csv": _PRESENTED
    | {
        "id_student": WHOLE,
        "gender": TEXT,
        "region": TEXT,
        "highest_education": TEXT,
        "imd_band": TEXT,
        "age_band": TEXT,
        "num_of_prev_attempts": WHOLE,
        "studied_credits": WHOLE,
        "disability": TEXT,
        "final_result": TEXT,
    },
    "studentRegistration.csv": _PRESENTED
    | {"id_student": WHOLE, "date_registration": WHOLE, "date_unregistration": WHOLE},
    "studentAssessment.csv": {
        "id_assessment": WHOLE,
        "id_student": WHOLE,
        "date_submitted": WHOLE,
        "is_banked": WHOLE,
        "score": NUMBER,
    },
    "studentVle.csv": _PRESENTED | {"id_student": WHOLE, "id_site": WHOLE, "date": WHOLE, "sum_click": WHOLE},
}

# the published files leave a missing value empty; earlier releases wrote a question mark
MISSING = ["", "?"]
# one insert; what a finished chunk means depends on it
CHUNK_ROWS = 200_000
BLOCK_BYTES = 4 << 20
SAMPLE_BYTES = 1 << 20
MOST_HEADER_BYTES = 10_000


class Dataset:
    """The seven files of one copy. Raises Invalid if one is missing or lacks a column, naming it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._zip = _zip_of(path)
        self._members = _members(path, self._zip)
        for name in COLUMNS:
            self._check(name)

    def fingerprint(self) -> str:
        """The same for the same content, in a zip or a folder: a hash of every file's name, size and CRC-32."""
        told = "".join(f"{name} {self.size(name)} {self._crc(name)}\n" for name in sorted(COLUMNS))
        return hashlib.sha256(told.encode()).hexdigest()[:32]

    def size(self, name: str) -> int:
        """Bytes of a file, unpacked."""
        if self._zip:
            return self._zip.getinfo(self._members[name]).file_size
        return Path(self._members[name]).stat().st_size

    def table(self, name: str) -> pa.Table:
        """A whole file."""
        with self.open(name) as stream, named(name):
            return arrow_csv.read_csv(stream, convert_options=_convert(name))

    def pieces(self, name: str) -> Iterator[pa.Table]:
        """A file in tables of CHUNK_ROWS rows, in bounded memory. Every column of one is a single array."""
        options = arrow_csv.ReadOptions(block_size=BLOCK_BYTES)
        held: list[pa.RecordBatch] = []
        with self.open(name) as stream, named(name):
            for batch in arrow_csv.open_csv(stream, read_options=options, convert_options=_convert(name)):
                held.append(batch)
                while sum(map(len, held)) >= CHUNK_ROWS:
                    table = pa.Table.from_batches(held)
                    yield table.slice(0, CHUNK_ROWS).combine_chunks()
                    held = table.slice(CHUNK_ROWS).to_batches()
        if sum(map(len, held)):
            yield pa.Table.from_batches(held).combine_chunks()

    def estimated_rows(self, name: str) -> int:
        """About how many rows a file has, judged by how long its first ones are."""
        with self.open(name) as stream, named(name):
            sample = stream.read(SAMPLE_BYTES)
        return self.size(name) * sample.count(b"\n") // max(len(sample), 1)

    @contextmanager
    def open(self, name: str) -> Iterator[IO[bytes]]:
        """The bytes of a file."""
        with self._zip.open(self._members[name]) if self._zip else Path(self._members[name]).open("rb") as stream:
            yield stream

    def close(self) -> None:
        """Close the zip."""
        if self._zip:
            self._zip.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _crc(self, name: str) -> int:
        if self._zip:
            return self._zip.getinfo(self._members[name]).CRC
        crc = 0
        with self.open(name) as stream:
            while block := stream.read(BLOCK_BYTES):
                crc = zlib.crc32(block, crc)
        return crc

    def _check(self, name: str) -> None:
        with self.open(name) as stream, named(name):
            line = stream.readline(MOST_HEADER_BYTES)
        header = next(csv.reader(io.StringIO(line.decode("utf-8-sig", "replace"))), [])
        if missing := [column for column in COLUMNS[name] if column not in header]:
            raise Invalid(
                f"{self.path}: {name} lacks the column {', '.join(missing)}; it has {', '.join(header) or 'no header'}"
            )


def require(name: str, rows: pa.Table, start: int, *columns: str) -> None:
    """Raise Invalid if one of the columns is empty in a row; `start` is how many rows came before."""
    for column in columns:
        if rows[column].null_count:
            row = start + 1 + rows[column].to_pylist().index(None)
            raise Invalid(f"{name}: {column} is empty in row {row}")


def _convert(name: str) -> arrow_csv.ConvertOptions:
    return arrow_csv.ConvertOptions(
        column_types=COLUMNS[name],
        include_columns=list(COLUMNS[name]),
        null_values=MISSING,
        strings_can_be_null=True,
        quoted_strings_can_be_null=True,
    )


@contextmanager
def named(name: str) -> Iterator[None]:
    """Say in which file something cannot be read."""
    try:
        yield
    except (pa.ArrowInvalid, pa.ArrowKeyError, zipfile.BadZipFile, zlib.error, RuntimeError, OSError) as error:
        raise Invalid(f"{name} cannot be read: {error}") from error


def _zip_of(path: Path) -> zipfile.ZipFile | None:
    if path.is_dir():
        return None
    if not path.exists():
        raise Invalid(f"{path} is not there; name the zip of the dataset, or the folder of its seven CSV files")
    try:
        return zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError) as error:
        raise Invalid(f"{path} is neither a folder nor a zip that can be read: {error}") from error


def _members(path: Path, packed: zipfile.ZipFile | None) -> dict[str, str]:
    """Where each of the seven files lies; in a zip also below a folder."""
    names = packed.namelist() if packed else [str(found) for found in path.iterdir()]
    usual = [name for name in names if "__MACOSX" not in name]
    found = {wanted: [name for name in usual if PurePosixPath(name).name == wanted] for wanted in COLUMNS}
    if missing := [wanted for wanted, places in found.items() if not places]:
        raise Invalid(f"{path} lacks {', '.join(missing)}; the dataset has {', '.join(COLUMNS)}")
    if twice := [wanted for wanted, places in found.items() if len(places) > 1]:
        raise Invalid(f"{path} holds {', '.join(twice)} more than once; keep one copy of the dataset in it")
    return {wanted: places[0] for wanted, places in found.items()}
