"""Packing: events into an archive, and out of it again, checked both ways."""

import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from rollbook.errors import Invalid, Unavailable
from rollbook.governance.lifecycle.manifest import ALL_KEYS, NAME, Manifest, Part, parsed
from rollbook.governance.lifecycle.storage import Storage, sha256, sync
from rollbook.store import events
from rollbook.store.expiry.raw import Due
from rollbook.store.keys import key_of, number_of

MOST_ROWS_OF_FILE = 2_000_000
DRAFTS = "archive-drafts"

Keeps = Callable[[pa.Table], pa.Table]


class Packing:
    """Writes and reads the files of archives; drafts lie in the data folder meanwhile."""

    def __init__(self, storage: Storage, data: Path) -> None:
        self._storage = storage
        self._drafts = data / DRAFTS

    def sweep(self) -> None:
        """Remove the drafts of a process that was killed."""
        shutil.rmtree(self._drafts, ignore_errors=True)

    def write(self, due: Due, archive: str, folder: str, blocks: Iterable[pa.Table]) -> tuple[Manifest, int, str]:
        """Write the files, read each back, then the manifest: with its bytes in all and its SHA-256."""
        with self._drafting() as drafts:
            received: list[datetime] = []
            parts, days = [], dict.fromkeys(sorted(due.days), 0)
            for number, (path, rows, keys) in enumerate(_filled(drafts, blocks, due.zone, days, received)):
                name = f"events-{number:05}.parquet"
                sync(path)
                part = Part(name, rows, path.stat().st_size, sha256(path), keys)
                self._storage.put(path, f"{folder}/{name}")
                path.unlink()
                self._verify(folder, part, drafts / "back.parquet")
                parts.append(part)
            first, last = min(received, default=due.upto), max(received, default=due.upto)
            manifest = Manifest(
                *(due.tenant, archive, due.zone, due.upto, first, last, days, tuple(parts)),
                columns=tuple(f"{field.name} {field.type}" for field in events.SCHEMA),
            )
            return manifest, sum(part.bytes for part in parts), self.seal(folder, manifest)

    def seal(self, folder: str, manifest: Manifest) -> str:
        """Write the manifest; its SHA-256."""
        with self._drafting() as drafts:
            path = drafts / NAME
            path.write_bytes(manifest.text())
            sync(path)
            self._storage.put(path, f"{folder}/{NAME}")
            return sha256(path)

    def manifest(self, folder: str) -> Manifest:
        """The manifest of an archive. Raises Invalid, naming the file, if it is missing or damaged."""
        with self._drafting() as drafts:
            self._storage.get(f"{folder}/{NAME}", drafts / NAME)
            return parsed((drafts / NAME).read_bytes(), self._storage.place(f"{folder}/{NAME}"))

    def check(self, folder: str, manifest: Manifest) -> None:
        """Read every file of an archive. Raises Invalid, naming the file, if one is missing or damaged."""
        with self._drafting() as drafts:
            for part in manifest.parts:
                self._verify(folder, part, drafts / "back.parquet")

    def read(self, folder: str, manifest: Manifest) -> Iterator[pa.Table]:
        """The events, a row group at a time. Raises Invalid, naming the file, before the first of a damaged one."""
        for part in manifest.parts:
            with self._drafting() as drafts:
                path = drafts / part.name
                self._fetch(folder, part, path)
                with pq.ParquetFile(path) as file:
                    for group in range(file.num_row_groups):
                        yield file.read_row_group(group).cast(events.SCHEMA)

    def rewrite(self, folder: str, manifest: Manifest, keep: Keeps) -> Manifest | None:
        """Write those files anew in which `keep` changes something; the new manifest, None if nothing changed.

        New files stand beside the old until the manifest names them, so that a kill leaves one or the other.
        """
        parts, days, changed = [], dict.fromkeys(manifest.days, 0), False
        with self._drafting() as drafts:
            for part in manifest.parts:
                path = drafts / part.name
                self._fetch(folder, part, path)
                rows = pq.read_table(path).cast(events.SCHEMA)
                kept = keep(rows)
                _count(days, kept, manifest.zone)
                if kept.equals(rows):
                    parts.append(part)
                    continue
                changed = True
                parts += self._replaced(folder, part, kept, drafts)
        if not changed:
            return None
        return replace(manifest, parts=tuple(parts), days=days)

    def _replaced(self, folder: str, part: Part, kept: pa.Table, drafts: Path) -> list[Part]:
        if not len(kept):
            return []
        path = drafts / "kept.parquet"
        pq.write_table(kept, path, compression="zstd")
        sync(path)
        stem, _, version = part.name.removesuffix(".parquet").partition(".")
        name = f"{stem}.{int(version or 0) + 1}.parquet"
        self._storage.put(path, f"{folder}/{name}")
        made = Part(name, len(kept), path.stat().st_size, sha256(path), _keys(kept))
        self._verify(folder, made, drafts / "back.parquet")
        return [made]

    def _verify(self, folder: str, part: Part, into: Path) -> None:
        self._fetch(folder, part, into)
        with pq.ParquetFile(into) as file:
            if file.metadata.num_rows != part.rows:
                raise Invalid(f"archive file {self._storage.place(f'{folder}/{part.name}')} lacks rows")
        into.unlink()

    def _fetch(self, folder: str, part: Part, into: Path) -> None:
        name = f"{folder}/{part.name}"
        if self._storage.get(name, into) != part.sha256:
            place = self._storage.place(name)
            raise Invalid(f"archive file {place} is damaged: its SHA-256 differs from the manifest's")

    @contextmanager
    def _drafting(self) -> Iterator[Path]:
        try:
            self._drafts.mkdir(mode=0o700, parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=self._drafts) as folder:
                yield Path(folder)
        except OSError as error:
            raise Unavailable(f"no room to draft an archive in {self._drafts}: {error}") from error


def _filled(
    folder: Path, blocks: Iterable[pa.Table], zone: str, days: dict[date, int], received: list[datetime]
) -> Iterator[tuple[Path, int, int]]:
    """Files of the blocks, with the rows and the sum of keys of each; counts days, and notes when rows came in."""
    writer, rows, keys, path = None, 0, 0, folder / "events.parquet"
    for block in blocks:
        if not len(block):
            continue
        writer = writer or pq.ParquetWriter(path, events.SCHEMA, compression="zstd")
        writer.write_table(block)
        rows, keys = rows + len(block), (keys + _keys(block)) % ALL_KEYS
        _count(days, block, zone)
        span = pc.min_max(block["received"]).as_py()
        received += [span["min"].replace(tzinfo=UTC), span["max"].replace(tzinfo=UTC)]
        if rows >= MOST_ROWS_OF_FILE:
            writer.close()
            yield path, rows, keys
            writer, rows, keys = None, 0, 0
    if writer is not None:
        writer.close()
        yield path, rows, keys


def _count(days: dict[date, int], block: pa.Table, zone: str) -> None:
    for count in days_of(block, zone).value_counts().to_pylist():
        days[count["values"]] = days.get(count["values"], 0) + count["counts"]


def days_of(block: pa.Table, zone: str) -> pa.Array:
    """The calendar day of each event in a zone."""
    there = block["timestamp"].combine_chunks().cast(pa.timestamp("ms", "UTC")).cast(pa.timestamp("ms", zone))
    return pc.local_timestamp(there).cast(pa.date32(), safe=False)


def _keys(block: pa.Table) -> int:
    pairs = zip(block["tenant"].to_pylist(), block["id"].to_pylist(), strict=True)
    return sum(number_of(key_of(*pair)) for pair in pairs) % ALL_KEYS


def month_of(moment: datetime | date, zone: str = "UTC") -> str:
    """The month as 2026-03."""
    day = moment.astimezone(ZoneInfo(zone)).date() if isinstance(moment, datetime) else moment
    return f"{day:%Y-%m}"
