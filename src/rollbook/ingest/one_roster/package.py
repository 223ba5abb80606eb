"""A OneRoster package: a zip or a folder of CSV files with its manifest, checked before anything of it is taken.

Field names: 1EdTech OneRoster CSV Tables 1.1 and CSV Binding 1.2. Columns that nothing here needs (names, e-mail and
postal addresses, telephone numbers, passwords) are never read.
"""

import csv
import zipfile
import zlib
from collections.abc import Generator, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal, Self

from rollbook.errors import Invalid

Mode = Literal["bulk", "delta", "absent"]
Row = dict[str, str]

VERSIONS = ("1.1", "1.2")

# the columns without which a file says nothing
NEEDED: dict[str, tuple[str, ...]] = {
    "academicSessions": ("sourcedId", "title", "startDate", "endDate"),
    "classes": ("sourcedId", "title", "termSourcedIds"),
    "demographics": ("sourcedId", "birthDate"),
    "enrollments": ("sourcedId", "classSourcedId", "userSourcedId", "role"),
    "roles": ("userSourcedId", "role"),
    "users": ("sourcedId", "username", "agentSourcedIds"),
}
# 1.2 tells roles in a file of their own
OF_VERSION: dict[str, dict[str, tuple[str, ...]]] = {"1.1": {"users": ("role",)}, "1.2": {"users": ()}}


@dataclass(frozen=True, slots=True)
class Line:
    """A row of a file, with the line on which it ends."""

    file: str
    number: int
    row: Row

    def get(self, name: str) -> str:
        """A field without the space around it; "" where there is none."""
        return (self.row.get(name) or "").strip()

    def many(self, name: str) -> tuple[str, ...]:
        """A field that lists several."""
        return tuple(part.strip() for part in self.get(name).split(",") if part.strip())

    @property
    def deleted(self) -> bool:
        """Whether the row says that its record is gone."""
        return self.get("status").lower() in ("tobedeleted", "inactive")


class Package:
    """One copy. Raises Invalid if the manifest, a file or a column is missing or wrong, naming it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._opened = ExitStack()
        self._zip = self._opened.enter_context(_zip(path)) if path.is_file() else None
        self._members = _members(path, self._zip)
        self.version, self._modes = self._manifest()
        for name in NEEDED:
            self._check(name)

    def mode(self, name: str) -> Mode:
        """How a file is to be taken: as all there is (`bulk`), as what changed (`delta`), or not at all."""
        return self._modes.get(name, "absent")

    def lines(self, name: str) -> Iterator[Line]:
        """The rows of a file; none if it is absent."""
        if self.mode(name) != "absent":
            yield from self._lines(f"{name}.csv")

    def estimated_rows(self, name: str) -> int:
        """About how many rows a file has."""
        member = self._members.get(f"{name}.csv")
        if member is None or self.mode(name) == "absent":
            return 0
        size = self._zip.getinfo(member).file_size if self._zip else Path(member).stat().st_size
        return size // 80

    def close(self) -> None:
        """Close the zip."""
        self._opened.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _manifest(self) -> tuple[str, dict[str, Mode]]:
        if "manifest.csv" not in self._members:
            raise Invalid(f"{self.path} has no manifest.csv; it is not a OneRoster {' or '.join(VERSIONS)} package")
        told: Row = {}
        for line in self._lines("manifest.csv"):
            told[line.get("propertyName")] = line.get("value")
        version = next((one for one in VERSIONS if told.get("oneroster.version", "").startswith(one)), None)
        if version is None:
            said = told.get("oneroster.version") or "nothing"
            raise Invalid(f"manifest.csv: oneroster.version must be {' or '.join(VERSIONS)}, not {said}")
        modes: dict[str, Mode] = {}
        for name in NEEDED:
            match told.get(f"file.{name}", "absent").lower():
                case "bulk" | "delta" | "absent" as mode:
                    modes[name] = mode
                case other:
                    raise Invalid(f"manifest.csv: file.{name} must be bulk, delta or absent, not {other}")
        return version, modes

    def _check(self, name: str) -> None:
        if self.mode(name) == "absent":
            return
        if f"{name}.csv" not in self._members:
            raise Invalid(f"manifest.csv names {name}.csv, but {self.path} does not have it")
        needed = (*NEEDED[name], *OF_VERSION[self.version].get(name, ()))
        with closing(self._decoded(f"{name}.csv")) as text:
            columns = next(csv.reader(text), [])
        missing = [column for column in needed if column not in columns]
        if missing:
            raise Invalid(f"{name}.csv has no column {missing[0]}; OneRoster {self.version} needs {', '.join(needed)}")

    def _lines(self, file: str) -> Iterator[Line]:
        reader = None
        try:
            with closing(self._decoded(file)) as text:
                reader = csv.DictReader(text, restkey="", restval="")
                for row in reader:
                    yield Line(file, reader.line_num, row)
        except (csv.Error, zipfile.BadZipFile, zlib.error) as error:
            number = reader.line_num + 1 if reader else 1
            raise Invalid(f"{file} line {number}: it cannot be read: {error}") from error

    def _decoded(self, file: str) -> Generator[str, None, None]:
        """The lines of a file as text; a byte order mark is left out."""
        member = self._members[file]
        with self._zip.open(member) if self._zip else Path(member).open("rb") as raw:
            for number, line in enumerate(raw, 1):
                try:
                    yield line.decode("utf-8-sig" if number == 1 else "utf-8")
                except UnicodeDecodeError as error:
                    raise Invalid(f"{file} line {number}: it is not UTF-8") from error


def _zip(path: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError) as error:
        raise Invalid(f"{path} is no zip: {error}; name a OneRoster zip or a folder of its CSV files") from error


def _members(path: Path, archive: zipfile.ZipFile | None) -> dict[str, str]:
    """Where each CSV file is, by its name."""
    if archive:
        return {PurePosixPath(name).name: name for name in archive.namelist() if name.endswith(".csv")}
    if not path.is_dir():
        raise Invalid(f"there is no {path}; name a OneRoster zip or a folder of its CSV files")
    return {found.name: str(found) for found in path.glob("*.csv")}
