"""Engine: the one way to ClickHouse, embedded in this process or a server, through the same client.

A connection whose stream is open answers another query with an empty result, so every call borrows a client of its
own from a pool; the pool's size is the limit on parallel queries.
"""

import contextlib
import os
import queue
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import clickhouse_connect
import pyarrow as pa
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from rollbook.errors import Invalid, QueryTimeout, Unavailable
from rollbook.settings import Settings

TIMEOUT_EXCEEDED = 159
MEMORY_LIMIT_EXCEEDED = 241
MARK_CACHE_BYTES = 64 << 20

# session_timezone: the process's zone must never move a day. log_queries: a log of all queries grows without end.
SESSION = {"session_timezone": "UTC", "log_queries": "0", "use_uncompressed_cache": "0"}

Row = dict[str, Any]


class Engine:
    """A pool of clients to one ClickHouse. Raises QueryTimeout and Unavailable, never the driver's own errors."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._session = SESSION | {"max_execution_time": str(settings.max_query_ms / 1000), "timeout_overflow_mode": "throw"}
        self._clients: list[Client] = []
        self._idle: queue.LifoQueue[Client] = queue.LifoQueue()
        self._growing = threading.Lock()
        self.embedded = settings.clickhouse_url is None
        self._give_back(self._open())

    def query(self, sql: str, parameters: Row | None = None, *, settings: Row | None = None) -> list[Row]:
        """The rows of a SELECT, a dict each; times are aware and in UTC."""
        with self._client() as client, translated():
            result = client.query(sql, parameters=parameters or {}, settings=settings or {})
            return [dict(zip(result.column_names, row, strict=True)) for row in result.result_rows]

    def query_arrow(self, sql: str, parameters: Row | None = None) -> pa.Table:
        """The rows of a SELECT as one Arrow table."""
        with self._client() as client, translated():
            return client.query_arrow(sql, parameters=parameters or {}, use_strings=True)

    def stream(self, sql: str, parameters: Row | None = None) -> Iterator[list[tuple[Any, ...]]]:
        """The rows of a SELECT block by block, in bounded memory. The client is held until the last block is taken."""
        with (
            self._client() as client,
            translated(),
            client.query_row_block_stream(sql, parameters=parameters or {}) as blocks,
        ):
            for block in blocks:
                yield list(block)

    def command(self, sql: str, parameters: Row | None = None, *, settings: Row | None = None) -> None:
        """Run a statement that answers nothing."""
        with self._client() as client, translated():
            client.command(sql, parameters=parameters or {}, settings=settings or {})

    def insert(self, table: str, rows: pa.Table) -> None:
        """Insert an Arrow table; when it returns, the rows are on disk and visible to the next query."""
        with self._client() as client, translated():
            client.insert_arrow(table, rows)

    def close(self) -> None:
        """Close every client; the embedded engine ends with the last one."""
        while self._clients:
            self._clients.pop().close()

    @contextlib.contextmanager
    def _client(self) -> Iterator[Client]:
        client = self._borrow()
        try:
            yield client
        finally:
            self._give_back(client)

    def _borrow(self) -> Client:
        with contextlib.suppress(queue.Empty):
            return self._idle.get_nowait()
        with self._growing:
            # two beyond the limit: the writer and the jobs must never wait for questions
            if len(self._clients) < self.settings.parallel_queries + 2:
                return self._open()
        try:
            return self._idle.get(timeout=self.settings.max_query_ms / 1000)
        except queue.Empty:
            limit = self.settings.parallel_queries
            raise Unavailable(f"{limit} questions are running already (PARALLEL_QUERY_LIMIT); ask again later") from None

    def _give_back(self, client: Client) -> None:
        self._idle.put(client)

    def _open(self) -> Client:
        client = self._embedded() if self.embedded else self._server()
        self._clients.append(client)
        return client

    def _embedded(self) -> Client:
        path = self.settings.data / "clickhouse"
        path.mkdir(parents=True, exist_ok=True)
        options = {"max_server_memory_usage": self._memory_bytes(), "mark_cache_size": MARK_CACHE_BYTES}
        with translated(f"cannot open the data folder {path}"):
            return clickhouse_connect.get_client(
                interface="chdb", path=str(path), chdb_options=options, settings=self._session, tz_mode="aware"
            )

    def _server(self) -> Client:
        with translated("cannot reach ROLLBOOK_CLICKHOUSE_URL"):
            return clickhouse_connect.get_client(
                dsn=str(self.settings.clickhouse_url), settings=self._session, tz_mode="aware", autogenerate_session_id=False
            )

    def _memory_bytes(self) -> int:
        half = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2
        return self.settings.memory_bytes or half


@contextlib.contextmanager
def translated(what: str = "the store failed") -> Iterator[None]:
    """Turn the driver's errors into ours: a limit is named, anything else is Unavailable."""
    try:
        yield
    except ClickHouseError as error:
        code = getattr(error, "code", None)
        if code == TIMEOUT_EXCEEDED:
            raise QueryTimeout("the question took longer than MAX_QUERY_EXECUTION_TIME_MS; ask for less") from error
        if code == MEMORY_LIMIT_EXCEEDED:
            raise Unavailable("the question needs more memory than ROLLBOOK_MEMORY_BYTES allows; ask for less") from error
        raise Unavailable(f"{what}: {_first_line(error)}") from error
    except OSError as error:
        raise Unavailable(f"{what}: {error}") from error


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:400]


def folder_of(settings: Settings) -> Path:
    """The data folder, made if it is not there. Raises Invalid if it cannot be."""
    try:
        settings.data.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Invalid(f"data folder {settings.data}: {error.strerror}; name another with --data or ROLLBOOK_DATA") from error
    return settings.data
