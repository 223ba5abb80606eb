"""Reading a request's body: whole, decompressed, and never more of it than the limit."""

import zlib

import zstandard
from starlette.requests import Request

from rollbook.errors import Invalid, NotJson, TooLarge
from rollbook.settings import Settings

CHUNK = 1 << 16


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
    found = bytearray()
    while body:
        stream = zlib.decompressobj(bits)
        found += stream.decompress(body, limit + 1 - len(found))
        if len(found) > limit:
            raise _too_large(limit)
        if not stream.eof:
            raise zlib.error("it ends in the middle")
        body = stream.unused_data
    return bytes(found)


def _unzstd(body: bytes, limit: int) -> bytes:
    found = bytearray()
    with zstandard.ZstdDecompressor(max_window_size=1 << 27).stream_reader(body, read_across_frames=True) as stream:
        while chunk := stream.read(CHUNK):
            found += chunk
            if len(found) > limit:
                raise _too_large(limit)
    return bytes(found)


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"the body has more than {limit} bytes after decompression (ROLLBOOK_MAX_BODY_BYTES)")
