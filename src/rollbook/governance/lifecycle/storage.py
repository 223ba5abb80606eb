"""Storage: where archives lie, a folder or a bucket of S3-compatible storage."""

import hashlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pyarrow as pa
from pyarrow import fs

from rollbook.errors import Invalid, Unavailable
from rollbook.settings import Settings

CHUNK = 4 << 20
LONGEST_NAME = 120


class Storage:
    """Files by name, parts divided by `/`. Raises Unavailable."""

    def __init__(self, settings: Settings) -> None:
        self.address = settings.archive or str(settings.data / "archive")
        if "://" in self.address:
            self._files, self._root, self._local = *_bucket(self.address), False
        else:
            folder = Path(self.address).resolve()
            self._files, self._root, self._local = fs.LocalFileSystem(), str(folder), True

    def put(self, draft: Path, name: str) -> None:
        """Copy a file there; when it returns, it is kept. The draft stays."""
        place = f"{self._root}/{name}"
        try:
            if self._local:
                _copy(draft, Path(place))
                return
            with draft.open("rb") as source, self._files.open_output_stream(place) as target:
                while piece := source.read(CHUNK):
                    target.write(piece)
        except OSError as error:
            raise Unavailable(f"archive {place} cannot be written: {error}") from error

    def get(self, name: str, into: Path) -> str:
        """Copy a file from there; its SHA-256. Raises Invalid if there is none."""
        digest = hashlib.sha256()
        try:
            with self._files.open_input_stream(f"{self._root}/{name}") as source, into.open("wb") as target:
                while piece := source.read(CHUNK):
                    digest.update(piece)
                    target.write(piece)
        except FileNotFoundError as error:
            raise Invalid(f"archive file {self._root}/{name} is missing") from error
        except OSError as error:
            raise Unavailable(f"archive {self._root}/{name} cannot be read: {error}") from error
        return digest.hexdigest()

    def names(self, folder: str) -> list[str]:
        """The files in a folder, by name."""
        selector = fs.FileSelector(f"{self._root}/{folder}", allow_not_found=True)
        try:
            found = self._files.get_file_info(selector)
        except OSError as error:
            raise Unavailable(f"archive {self._root}/{folder} cannot be listed: {error}") from error
        return sorted(info.base_name for info in found if info.type == fs.FileType.File)

    def remove(self, folder: str, names: Iterator[str] | list[str] | None = None) -> None:
        """Remove some files of a folder, or all of it. What is not there is no error."""
        for name in self.names(folder) if names is None else names:
            try:
                self._files.delete_file(f"{self._root}/{folder}/{name}")
            except FileNotFoundError:
                continue
            except OSError as error:
                raise Unavailable(f"archive {self._root}/{folder}/{name} cannot be removed: {error}") from error
        if names is None and self._local:
            shutil.rmtree(f"{self._root}/{folder}", ignore_errors=True)

    def place(self, name: str) -> str:
        """The whole address of a file, for people."""
        return f"{self._root}/{name}"


def folder_of(tenant: str, month: str, archive: str) -> str:
    """The folder of an archive; whatever a tenant is called, it leaves neither its folder nor another's."""
    named = quote(tenant, safe="")
    if len(named) > LONGEST_NAME:
        named = named[:LONGEST_NAME] + "-" + hashlib.sha256(tenant.encode()).hexdigest()[:16]
    return f"tenant={named}/month={month}/{archive}"


def sha256(path: Path) -> str:
    """The SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sync(path: Path) -> None:
    """Make a file or folder survive the loss of power."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _copy(draft: Path, target: Path) -> None:
    missing = [parent for parent in (target.parent, *target.parent.parents) if not parent.exists()]
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(target.name + ".part")
    shutil.copyfile(draft, part)
    part.chmod(0o600)
    sync(part)
    part.replace(target)
    for folder in (target.parent, *(parent.parent for parent in missing)):
        sync(folder)


def _bucket(address: str) -> tuple[fs.FileSystem, str]:
    right = "ROLLBOOK_ARCHIVE must be a folder, or s3://bucket/prefix?region=…&endpoint_override=…"
    if not address.startswith("s3://"):
        raise Invalid(f"{right}; it is {address.partition('://')[0]}://…")
    try:
        files, root = fs.FileSystem.from_uri(address)
    except (pa.ArrowInvalid, OSError) as error:
        raise Invalid(f"{right}: {error}") from error
    return files, root.rstrip("/")
