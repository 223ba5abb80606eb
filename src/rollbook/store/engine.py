"""Engine: the one way to ClickHouse, embedded in this process or a server, through the same client.

A connection whose stream is open answers another query with an empty result, so every call borrows a client of its
own from a pool. Questions wait for each other beyond PARALLEL_QUERY_LIMIT; the store's own work never waits for them.
Whatever is written goes through here, so here is where it is told that something has changed.
"""

import contextlib
import queue
import uuid
from collections.abc import Collection, Iterable, Iterator
from typing import Any

import pyarrow as pa
from clickhouse_connect.driver.client import Client

from rollbook.settings import Settings
from rollbook.store import clients
from rollbook.store.asking.changes import Changes
from rollbook.store.asking.turns import Turns, asking
from rollbook.store.clients import translated

Row = dict[str, Any]

# ClickHouse's http_max_field_value_size is 128 KiB; quotes and escapes take some of it
MOST_BOUND_BYTES = 64 << 10
# handing few rows from thread to thread costs a fifth of their insert
FEW_ROWS = 50_000
ALONE = {"max_threads": 1}
# a question is known by its log_comment: the embedded engine gives queries ids of its own
KILL = "kill query where Settings['log_comment'] = {mark:String} async"


class Engine:
    """A pool of clients to one ClickHouse. Raises QueryTimeout and Unavailable, never the driver's own errors.

    `unlimited` is for the store's own reading: it counts to neither PARALLEL_QUERY_LIMIT nor
    MAX_QUERY_EXECUTION_TIME_MS.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.embedded = settings.clickhouse_url is None
        self._limit = {"max_execution_time": settings.max_query_ms / 1000, "timeout_overflow_mode": "throw"}
        self.changes = Changes()
        self._turns = Turns(settings.parallel_queries, settings.max_query_ms / 1000)
        self._clients: list[Client] = []
        self._idle: queue.LifoQueue[Client] = queue.LifoQueue()
        if not self.embedded:
            clients.make_database(settings)
        self._idle.put(self._open())

    def query(
        self, sql: str, parameters: Row | None = None, *, settings: Row | None = None, unlimited: bool = False
    ) -> list[Row]:
        """The rows of a SELECT, a dict each; times are aware and in UTC."""
        with self._turn(unlimited) as (client, limit), translated():
            result = client.query(sql, parameters=parameters or {}, settings=limit | (settings or {}))
            return [dict(zip(result.column_names, row, strict=True)) for row in result.result_rows]

    def query_arrow(self, sql: str, parameters: Row | None = None) -> pa.Table:
        """The rows of a SELECT as one Arrow table."""
        with self._turn() as (client, limit), translated():
            return client.query_arrow(sql, parameters=parameters or {}, settings=limit, use_strings=True)

    def stream(
        self, sql: str, parameters: Row | None = None, *, unlimited: bool = False
    ) -> Iterator[list[tuple[Any, ...]]]:
        """The rows of a SELECT block by block, in bounded memory. The client is held until the last block is taken."""
        with (
            self._turn(unlimited) as (client, limit),
            translated(),
            client.query_row_block_stream(sql, parameters=parameters or {}, settings=limit) as blocks,
        ):
            for block in blocks:
                yield list(block)

    def command(
        self, sql: str, parameters: Row | None = None, *, settings: Row | None = None, aside: bool = False
    ) -> None:
        """Run a statement that answers nothing, however long it takes.

        It may have changed what is kept of the tenant that is bound to it, or of any where none is; `aside`: of none.
        """
        try:
            with self._client() as client, translated():
                # not `command`, which puts its parameters into the URL however long they are
                client.raw_query(sql, parameters=parameters or {}, settings=settings or {})
        finally:
            if not aside:
                tenant = (parameters or {}).get("tenant")
                self.changes.changed(tenant if isinstance(tenant, str) else None)

    def insert(self, table: str, rows: pa.Table, *, tenants: Collection[str] | None = None) -> None:
        """Insert an Arrow table; when it returns, the rows are on disk and visible to the next query.

        `tenants`: whose they are, for who knows it; None: it is looked up in the rows.
        """
        try:
            with self._client() as client, translated():
                client.insert_arrow(table, rows, settings=ALONE if len(rows) <= FEW_ROWS else None)
        finally:
            self.changes.wrote(table, rows, tenants)

    def close(self) -> None:
        """Close every client; the embedded engine ends with the last one."""
        while self._clients:
            self._clients.pop().close()

    @contextlib.contextmanager
    def _turn(self, unlimited: bool = False) -> Iterator[tuple[Client, Row]]:
        """A client for one question, and the limits of it; waits while too many others run."""
        if unlimited:
            with self._client() as client:
                yield client, {}
            return
        with self._turns.taken(), self._client() as client:
            call = asking.get()
            if call is None:
                yield client, dict(self._limit)
                return
            mark = uuid.uuid4().hex
            with call.running(mark, self._kill):
                yield client, self._limit | {"log_comment": mark}

    def _kill(self, mark: str) -> None:
        with self._client() as client, translated():
            client.raw_query(KILL, parameters={"mark": mark})

    @contextlib.contextmanager
    def _client(self) -> Iterator[Client]:
        try:
            client = self._idle.get_nowait()
        except queue.Empty:
            client = self._open()
        try:
            yield client
        finally:
            self._idle.put(client)

    def _open(self) -> Client:
        client = clients.embedded(self.settings) if self.embedded else clients.server(self.settings)
        self._clients.append(client)
        return client


def batches(texts: Iterable[str], most_bytes: int = MOST_BOUND_BYTES) -> Iterator[list[str]]:
    """The texts in lists that a server takes as one parameter."""
    held: list[str] = []
    size = 0
    for text in texts:
        length = len(text.encode()) + 3
        if held and size + length > most_bytes:
            yield held
            held, size = [], 0
        held.append(text)
        size += length
    if held:
        yield held
