"""Reading a request's body: whole, decompressed, and never more of it than the limit."""

import zlib
from collections.abc import Callable, Iterator
from typing import Protocol, TypeVar

import zstandard
from starlette.requests import Request

from rollbook.errors import Invalid, NotJson, TooLarge
from rollbook.settings import Settings

CHUNK = 1 << 16
ZSTD_CHUNK = 1 << 9
MOST_STREAMS = 1_000
MOST_WINDOW = 1 << 27


class Stream(Protocol):
    """What zlib's and zstandard's streams have in common."""

    @property
    def eof(self) -> bool:
        """Whether its end was seen."""

    @property
    def unused_data(self) -> bytes:
        """What was fed beyond its end."""


S = TypeVar("S", bound=Stream)


async def read_body(request: Request, settings: Settings) -> bytes:
    """The body after decompression (gzip, deflate, zstd). Raises TooLarge, NotJson or Invalid."""
    limit = settings.max_body_bytes
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise _too_large(limit)
    encoding = request.headers.get("content-encoding", "").strip().lower()
    return bytes(body) if encoding in ("", "identity") else decompressed(bytes(body), encoding, limit)


def decompressed(body: bytes, encoding: str, limit: int) -> bytes:
    """The bytes behind a content encoding, at most `limit` of them."""
    try:
        if encoding in ("gzip", "x-gzip"):
            return _inflate(body, zlib.MAX_WBITS | 16, limit)
        if encoding == "deflate":
            return _inflate(body, zlib.MAX_WBITS, limit)
        if encoding == "zstd":
            return _unzstd(body, limit)
    except (zlib.error, zstandard.ZstdError) as error:
        raise NotJson(f"the body is not {encoding}, as Content-Encoding says: {error}") from error
    raise Invalid(f"Content-Encoding {encoding!r} is not known; use gzip, deflate or zstd")


def _inflate(body: bytes, bits: int, limit: int) -> bytes:
    """The members of a gzip body, one after the other."""
    found = bytearray()
    for chunk, stream in _fed(body, lambda: zlib.decompressobj(bits), CHUNK):
        while chunk:
            found += stream.decompress(chunk, limit + 1 - len(found))
            if len(found) > limit:
                raise _too_large(limit)
            chunk = stream.unconsumed_tail
    return bytes(found)


def _unzstd(body: bytes, limit: int) -> bytes:
    """The frames of a zstd body. A little at a time, since a few bytes may stand for megabytes."""
    found = bytearray()
    for chunk, stream in _fed(body, zstandard.ZstdDecompressor(max_window_size=MOST_WINDOW).decompressobj, ZSTD_CHUNK):
        found += stream.decompress(chunk)
        if len(found) > limit:
            raise _too_large(limit)
    return bytes(found)


def _fed(body: bytes, start: Callable[[], S], size: int) -> Iterator[tuple[bytes, S]]:
    """What to feed to which of the body's streams. Raises ZstdError if the last one ends in the middle."""
    stream, streams = start(), 1
    for place in range(0, len(body), size):
        chunk = body[place : place + size]
        while chunk:
            if stream.eof:
                stream, streams = start(), streams + 1
            if streams > MOST_STREAMS:
                raise zstandard.ZstdError(f"it is made of more than {MOST_STREAMS} parts")
            yield chunk, stream
            chunk = stream.unused_data if stream.eof else b""
    if body and not stream.eof:
        raise zstandard.ZstdError("it ends in the middle")


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"the body has more than {limit} bytes after decompression (ROLLBOOK_MAX_BODY_BYTES)")
