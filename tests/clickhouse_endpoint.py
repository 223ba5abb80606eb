"""ClickHouse's HTTP interface over the embedded engine: a server for the tests, as ClickHouse comes as no package.

`python -m tests.clickhouse_endpoint FOLDER` prints its address, and serves until its standard input ends.
"""

import contextlib
import gzip
import json
import os
import re
import sys
import tempfile
import threading
import zlib
from email import message_from_bytes
from email.policy import HTTP
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import chdb
import lz4.frame  # type: ignore[import-untyped]
import zstandard

# ClickHouse's own defaults: http_max_uri_size and http_max_field_value_size
MOST_URL_BYTES = 1 << 20
MOST_FIELD_BYTES = 128 << 10

# parameters of the protocol; every other one is a setting of the query
PROTOCOL = {"query", "database", "query_id", "session_id", "client_protocol_version", "wait_end_of_query",
            "buffer_size", "enable_http_compression", "default_format", "user", "password", "compress"}  # fmt: skip
UNPACK = {
    "": bytes, "gzip": gzip.decompress, "deflate": zlib.decompress, "lz4": lz4.frame.decompress,
    "zstd": lambda packed: zstandard.ZstdDecompressor().decompressobj().decompress(packed),
}  # fmt: skip
STATUS = {159: 408, 46: 404, 47: 404, 50: 404, 60: 404, 81: 404, 115: 404, 62: 400, 36: 400, 53: 400, 457: 400}

CODE = re.compile(r"Code: (\d+)\.")
FORMAT = re.compile(r"\bformat\s+(\w+)\s*;?\s*$", re.IGNORECASE)
INSERT = re.compile(rb"\s*(insert\s+into\s+.+?)\s+format\s+(\w+)\s*", re.IGNORECASE | re.DOTALL)
INSERT_ROWS = re.compile(rb"\s*insert\s+into\b(?:(?!\bselect\b).)*?\bformat\s+\w+", re.IGNORECASE | re.DOTALL)


class Endpoint(ThreadingHTTPServer):
    """The server; one engine for all requests, one connection for each."""

    daemon_threads = True

    def __init__(self, folder: Path, port: int = 0) -> None:
        self.path = f"{folder}?max_server_memory_usage={2 << 30}"
        # it stays open, so that the engine does
        self.engine = connect(self.path)
        super().__init__(("127.0.0.1", port), Request)


class Request(BaseHTTPRequestHandler):
    """One request, answered as ClickHouse answers it."""

    protocol_version = "HTTP/1.1"
    server: Endpoint

    def do_GET(self) -> None:
        """A query in the URL, or a ping."""
        if self.path.startswith("/ping"):
            self._answer(200, b"Ok.\n", {})
        else:
            self._run(b"")

    def do_POST(self) -> None:
        """A query, or the data of an insert, in the body; or both in a form."""
        self._run(UNPACK[self.headers.get("Content-Encoding", "")](self._body()))

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""

    def _run(self, body: bytes) -> None:
        if len(self.path) > MOST_URL_BYTES:
            self._answer(414, b"", {})
            return
        fields = dict(parse_qsl(urlsplit(self.path).query, keep_blank_values=True))
        if self.headers.get_content_type() == "multipart/form-data":
            fields, body = fields | _form(self.headers["Content-Type"], body), b""
        statement = b"\n".join(part for part in (fields.get("query", "").encode(), body) if part)
        try:
            self._answer(200, *self._result(statement, fields))
        except RuntimeError as error:
            self._refuse(str(error))

    def _result(self, statement: bytes, fields: dict[str, str]) -> tuple[bytes, dict[str, str]]:
        """The body and the headers of an answer. Raises the engine's RuntimeError."""
        bound = {name[6:]: value for name, value in fields.items() if name.startswith("param_")}
        if any(len(value.encode()) > MOST_FIELD_BYTES for value in bound.values()):
            raise RuntimeError("Code: 36. DB::Exception: Field value too long")
        settings = {n: v for n, v in fields.items() if n not in PROTOCOL and not n.startswith("param_")}
        with contextlib.closing(connect(self.server.path)) as engine:
            if fields.get("database"):
                engine.query(f"use {_name(fields['database'])}")
            if settings:
                engine.query("set " + ", ".join(f"{name} = '{_escaped(value)}'" for name, value in settings.items()))
            if INSERT_ROWS.match(statement[:10_000]):
                result = _insert(engine, statement)
                summary = {"written_rows": str(result.rows_read()), "written_bytes": str(result.bytes_read())}
                return b"", {"X-ClickHouse-Summary": json.dumps(summary)}
            return _select(engine, statement.decode(), bound)

    def _refuse(self, text: str) -> None:
        found = CODE.search(text)
        code = int(found.group(1)) if found else 1002
        self._answer(STATUS.get(code, 500), f"{text}\n".encode(), {"X-ClickHouse-Exception-Code": str(code)})

    def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        if "enable_http_compression=1" in self.path and "lz4" in self.headers.get("Accept-Encoding", ""):
            body, headers = lz4.frame.compress(body), headers | {"Content-Encoding": "lz4"}
        self.send_response(status)
        for name, value in ({"X-ClickHouse-Timezone": "UTC", "Content-Length": str(len(body))} | headers).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def _body(self) -> bytes:
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        chunks = []
        while size := int(self.rfile.readline(), 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(chunks)


def _select(engine: Any, statement: str, bound: dict[str, str]) -> tuple[bytes, dict[str, str]]:
    """The answer of anything but an insert of rows; only what has columns names its format."""
    asked = FORMAT.search(statement)
    # with names: then even a result of no rows is told from a statement that answers nothing
    result = engine.query(statement, asked.group(1) if asked else "TabSeparatedWithNames", params=bound)
    body = result.bytes() or b""
    summary = {"read_rows": str(result.rows_read()), "read_bytes": str(result.bytes_read())}
    headers = {"X-ClickHouse-Summary": json.dumps(summary)}
    if body or asked:
        headers["X-ClickHouse-Format"] = asked.group(1) if asked else "TabSeparated"
    return (body if asked else body.partition(b"\n")[2]), headers


def _insert(engine: Any, statement: bytes) -> Any:
    """Insert rows that follow their statement; the engine reads binary formats from files only."""
    start = INSERT.match(statement)
    if start is None:
        raise RuntimeError("Code: 62. DB::Exception: Syntax error: an insert of rows needs a FORMAT")
    with tempfile.NamedTemporaryFile() as rows:
        rows.write(statement[start.end() :])
        rows.flush()
        into, form = start.group(1).decode(), start.group(2).decode()
        return engine.query(f"{into} from infile '{rows.name}' format {form}")


def _form(content_type: str, body: bytes) -> dict[str, str]:
    parts = message_from_bytes(b"Content-Type: " + content_type.encode() + b"\r\n\r\n" + body, policy=HTTP)
    return {
        str(part.get_param("name", header="content-disposition")): bytes(part.get_payload(decode=True) or b"").decode()
        for part in parts.walk()
        if not part.is_multipart()
    }


def connect(path: str) -> Any:
    """A connection of its own to the engine."""
    return chdb.connect(path)  # type: ignore[no-untyped-call]


def _name(text: str) -> str:
    return "`" + text.replace("\\", "\\\\").replace("`", "\\`") + "`"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("'", "\\'")


if __name__ == "__main__":
    endpoint = Endpoint(Path(sys.argv[1]), *map(int, sys.argv[2:]))
    threading.Thread(target=endpoint.serve_forever, daemon=True).start()
    sys.stdout.write(f"http://127.0.0.1:{endpoint.server_address[1]}\n")
    sys.stdout.flush()
    sys.stdin.read()
    # at once: clients keep their connections open, and everything answered is on disk
    os._exit(0)
