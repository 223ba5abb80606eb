"""Assets: what pages load besides themselves, at addresses that change with the content, so that browsers keep them.

The charts' JavaScript (Vega, Vega-Lite, Vega-Embed with its interpreter) comes out of the installed vl-convert-python.
"""

import functools
import gzip
import hashlib
import subprocess
import sys
import threading
from dataclasses import dataclass
from importlib import metadata, resources
from pathlib import PurePath

from fastapi import Request, Response

from rollbook.errors import NotFound, Unavailable

VEGA = "vega.js"
VEGA_VERSION = metadata.version("vl-convert-python")
BUILD_SECONDS = 120
TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}

# in a process of its own: the engine that bundles keeps 120 MB for as long as its process lives
_BUILD = "import sys, vl_convert; sys.stdout.buffer.write(vl_convert.javascript_bundle().encode())"
_building = threading.Lock()


@dataclass(frozen=True, slots=True)
class Asset:
    """A file as it is sent, compressed."""

    version: str
    media_type: str
    zipped: bytes

    def response(self, request: Request) -> Response:
        """The file, or 304 where the browser has it."""
        headers = {
            "Cache-Control": "public, max-age=31536000, immutable",
            "ETag": f'W/"{self.version}"',
            "Vary": "Accept-Encoding",
            "X-Content-Type-Options": "nosniff",
        }
        if headers["ETag"] in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        if "gzip" in request.headers.get("accept-encoding", ""):
            return Response(self.zipped, media_type=self.media_type, headers=headers | {"Content-Encoding": "gzip"})
        return Response(gzip.decompress(self.zipped), media_type=self.media_type, headers=headers)


def address(name: str) -> str:
    """Where an asset is found."""
    return f"/static/{VEGA_VERSION if name == VEGA else _own_version()}/{name}"


def asset(version: str, name: str) -> Asset:
    """The asset of that name and version. Raises NotFound; Unavailable if the charts' JavaScript cannot be made."""
    if (version, name) == (VEGA_VERSION, VEGA):
        with _building:
            return _vega()
    if version != _own_version() or name not in _files():
        raise NotFound(f"no file {name!r} of version {version!r}; reload the page that names it")
    return _own(name)


@functools.cache
def _own(name: str) -> Asset:
    return Asset(_own_version(), _type(name), gzip.compress(_files()[name], mtime=0))


@functools.cache
def _own_version() -> str:
    """One version for all our own files: scripts import each other by relative addresses."""
    files = sorted(_files().items())
    return hashlib.sha256(b"\0".join(name.encode() + b"\0" + body for name, body in files)).hexdigest()[:12]


@functools.cache
def _files() -> dict[str, bytes]:
    folder = resources.files("rollbook.delivery") / "static"
    return {file.name: file.read_bytes() for file in folder.iterdir() if _type(file.name)}


def _type(name: str) -> str:
    return TYPES.get(PurePath(name).suffix, "")


@functools.cache
def _vega() -> Asset:
    """The bundle, made once, when the first browser asks; takes about a second."""
    try:
        command = [sys.executable, "-c", _BUILD]
        made = subprocess.run(command, capture_output=True, check=True, timeout=BUILD_SECONDS)
    except (OSError, subprocess.SubprocessError) as error:
        raise Unavailable(f"the charts' JavaScript cannot be made from vl-convert-python: {error}") from error
    return Asset(VEGA_VERSION, TYPES[".js"], gzip.compress(made.stdout, mtime=0))
