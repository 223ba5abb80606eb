"""Scanning: looks for words in every byte of a data folder, decompressed and unsealed, in plain and in base64.

ClickHouse's parts are decoded here, block by block and without the engine, so that those that are no longer active, or
half removed, are read too.
"""

import base64
import io
import struct
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import zstandard

from rollbook.governance import letters
from rollbook.governance.pseudonyms import pseudonyms_of
from rollbook.governance.rights.packages import FOLDER, Packages
from rollbook.store import Store, dead_letters
from tests.files import content as content_of

CHECKSUM_BYTES = 16
HEAD_BYTES = 9
PLAIN, LZ4, ZSTD, SEVERAL = 0x02, 0x82, 0x90, 0x91


def needles(words: Iterable[str]) -> list[bytes]:
    """The words as they may stand in a file: as they are, and in base64 wherever they begin in a group of three."""
    found: set[bytes] = set()
    for word in words:
        raw = word.encode()
        found.add(raw)
        for shift in range(3):
            whole = base64.b64encode(b"\0" * shift + raw)
            # the characters that hold nothing but the word
            first, last = (shift * 8 + 5) // 6, (shift + len(raw)) * 8 // 6
            found |= {whole[first:last], whole[first:last].replace(b"+", b"-").replace(b"/", b"_")}
    return sorted(found)


def scan(data: Path, words: Iterable[str], *, hashes: Iterable[int] = ()) -> dict[str, set[str]]:
    """Where the words are: what was found by place. `hashes`: 64-bit numbers that stand for a person in columns."""
    wanted = {needle: needle.decode() for needle in needles(words)}
    numbers = {struct.pack("<Q", number): f"hash {number}" for number in hashes}
    found: dict[str, set[str]] = {}
    for path in sorted(path for path in data.rglob("*") if path.is_file()):
        try:
            raw = content_of(path) if ".db" in path.name else path.read_bytes()
        except FileNotFoundError:
            # it went while the folder was read
            continue
        for content in (raw, decoded(raw)):
            hits = {name for needle, name in wanted.items() if needle in content}
            if "/store/" in str(path) and path.suffix == ".bin":
                hits |= {name for needle, name in numbers.items() if needle in content}
            if hits:
                found.setdefault(place(data, path), set()).update(hits)
    return found


def place(data: Path, path: Path) -> str:
    """What a file belongs to: the table of a part, or the file itself."""
    inside = path.relative_to(data)
    if inside.parts[0] != "clickhouse":
        return inside.parts[0].split("-")[0]
    for table in (data / "clickhouse" / "data" / "default").iterdir():
        if path.is_relative_to(table.resolve()):
            kind = "mutation" if path.name.startswith("mutation") else "part"
            return f"{table.name} {kind}"
    return str(inside)


def decoded(content: bytes) -> bytes:
    """What a compressed file of ClickHouse, or one of Parquet, holds; of any other nothing."""
    if content[:4] == content[-4:] == b"PAR1":
        return "\n".join(str(row) for row in pq.read_table(io.BytesIO(content)).to_pylist()).encode()
    pieces, at = [], 0
    while at + CHECKSUM_BYTES + HEAD_BYTES <= len(content):
        start = at + CHECKSUM_BYTES
        method, compressed, plain = struct.unpack_from("<BII", content, start)
        if method not in (PLAIN, LZ4, ZSTD, SEVERAL) or not HEAD_BYTES <= compressed <= len(content) - start:
            return b""
        pieces.append(_block(method, content[start + HEAD_BYTES : start + compressed], plain))
        at = start + compressed
    return b"".join(pieces)


def _block(method: int, body: bytes, plain: int) -> bytes:
    if method == LZ4:
        return bytes(pa.Codec("lz4_raw").decompress(body, plain, asbytes=True))
    if method == ZSTD:
        return zstandard.ZstdDecompressor().decompress(body, max_output_size=plain)
    if method == SEVERAL:
        # the numbers of the codecs, then the innermost block with a head of its own; texts have but one codec
        inner = body[1 + body[0] :]
        return _block(inner[0], inner[HEAD_BYTES:], struct.unpack_from("<I", inner, 5)[0])
    return body


def unsealed(store: Store, tenant: str) -> Iterator[tuple[str, bytes]]:
    """What is kept encrypted, as it was: dead letters and packages."""
    sealing = pseudonyms_of(store).sealing
    for row in letters.opened(sealing, tenant, dead_letters.listed(store.engine, tenant, limit=1000)):
        yield "dead letters", dead_letters.original(row) + row["detail"].encode()
    folder = store.settings.data / FOLDER
    for path in folder.glob("*.sealed") if folder.exists() else ():
        with zipfile.ZipFile(io.BytesIO(Packages(store).read(tenant, path.name.split(".")[0]))) as package:
            yield "packages", b"".join(package.read(name) for name in package.namelist())


def scan_sealed(store: Store, tenant: str, words: Iterable[str]) -> set[str]:
    """What of the sealed things holds one of the words."""
    wanted = needles(words)
    return {name for name, content in unsealed(store, tenant) if any(needle in content for needle in wanted)}
