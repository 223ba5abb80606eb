"""Storage: where archives lie, a folder or a bucket of S3-compatible storage."""

import hashlib
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

import pyarrow as pa
from pyarrow import fs

from rollbook.errors import Invalid, Unavailable
from rollbook.settings import Settings

# a manifest is shorter, so that it is replaced as a whole or not at all
CHUNK = 4 << 20
LONGEST_NAME = 120
RIGHT = "ROLLBOOK_ARCHIVE must be a folder, or s3://bucket/prefix?region=…&endpoint_override=https://…"
SETTINGS_OF_BUCKETS = "ROLLBOOK_ARCHIVE, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"


class Storage:
    """Files by name, parts divided by `/`. Raises Unavailable, naming the setting; Invalid if the setting is wrong."""

    def __init__(self, settings: Settings) -> None:
        address = settings.archive or str(settings.data / "archive")
        self._local = "://" not in address
        self._files, self._root = _folder(address) if self._local else _bucket(address)

    def put(self, draft: Path, name: str) -> None:
        """Copy a file there; when it returns, it is kept. The draft stays."""
        with self._doing("written", name):
            if self._local:
                _copy(draft, Path(self._root, name))
                return
            with draft.open("rb") as source:
                # before the stream begins: whatever ends it, what was written by then becomes the object
                piece = source.read(CHUNK)
                with self._files.open_output_stream(f"{self._root}/{name}") as target:
                    while piece:
                        target.write(piece)
                        piece = source.read(CHUNK)

    def get(self, name: str, into: Path) -> str:
        """Copy a file from there; its SHA-256. Raises Invalid if there is none."""
        digest = hashlib.sha256()
        with self._doing("read", name):
            try:
                opened = self._files.open_input_stream(f"{self._root}/{name}")
            except FileNotFoundError as error:
                raise Invalid(f"archive file {self.place(name)} is missing") from error
            with opened as source, into.open("wb") as target:
                while piece := source.read(CHUNK):
                    digest.update(piece)
                    target.write(piece)
        return digest.hexdigest()

    def names(self, folder: str) -> list[str]:
        """The files in a folder, by name."""
        with self._doing("listed", folder):
            found = self._files.get_file_info(fs.FileSelector(f"{self._root}/{folder}", allow_not_found=True))
        return sorted(info.base_name for info in found if info.type == fs.FileType.File)

    def remove(self, folder: str, names: Iterable[str]) -> None:
        """Remove some files of a folder. What is not there is no error."""
        for name in names:
            with self._doing("removed", f"{folder}/{name}"), suppress(FileNotFoundError):
                self._files.delete_file(f"{self._root}/{folder}/{name}")

    def clear(self, folder: str) -> None:
        """Remove a folder with all files in it. What is not there is no error."""
        # (not file by file: the last one would leave an empty object in a bucket that stands for the folder)
        with self._doing("removed", folder), suppress(FileNotFoundError):
            self._files.delete_dir(f"{self._root}/{folder}")

    def place(self, name: str) -> str:
        """The whole address of a file, for people."""
        return f"{self._root}/{name}" if self._local else f"s3://{self._root}/{name}"

    @contextmanager
    def _doing(self, done: str, name: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            settings = "ROLLBOOK_ARCHIVE" if self._local else SETTINGS_OF_BUCKETS
            raise Unavailable(f"archive {self.place(name)} cannot be {done} (see {settings}): {error}") from error


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


def _folder(address: str) -> tuple[fs.FileSystem, str]:
    return fs.LocalFileSystem(), str(Path(address).resolve())


def _bucket(address: str) -> tuple[fs.FileSystem, str]:
    if not address.startswith("s3://"):
        raise Invalid(f"{RIGHT}; it is {address.partition('://')[0]}://…")
    try:
        files, root = fs.FileSystem.from_uri(address)
    except pa.ArrowInvalid as error:
        # the address may hold a secret
        raise Invalid(f"{RIGHT}: {str(error).replace(address, 's3://…')}") from None
    except OSError as error:
        # without a region, the bucket is asked for it
        raise Unavailable(f"the bucket of ROLLBOOK_ARCHIVE cannot be reached: {error}") from error
    if not root.strip("/"):
        raise Invalid(f"{RIGHT}; it names no bucket")
    return files, root.rstrip("/")
