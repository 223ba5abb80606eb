"""Clients of ClickHouse: how one is opened, to the embedded engine or to a server, and what its errors mean."""

import contextlib
import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import clickhouse_connect
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from rollbook.errors import Invalid, QueryTimeout, Unavailable
from rollbook.settings import Settings

TIMEOUT_EXCEEDED = 159
MEMORY_LIMIT_EXCEEDED = 241
QUERY_WAS_CANCELLED = 394
BAD_PARAMETER = "for query parameter"
NETWORK_SECONDS = 30
CONTAINER_LIMIT = Path("/sys/fs/cgroup/memory.max")

# session_timezone: the process's zone must never move a day. log_queries: a log of all queries grows without end.
# async_insert: an insert is acknowledged when its rows are visible. insert_deduplicate: a replicated table would drop
# a rollup that is written again. enable_materialized_cte: what a question names twice is worked out once if it says so.
SESSION = {
    "session_timezone": "UTC",
    "log_queries": "0",
    "use_uncompressed_cache": "0",
    "async_insert": "0",
    "insert_deduplicate": "0",
    "enable_materialized_cte": "1",
}

# What the embedded engine would hold that a data folder of events never needs; the rest of its memory is for questions.
EMBEDDED = {
    "mark_cache_size": 64 << 20,
    "primary_index_cache_size": 64 << 20,
    "index_mark_cache_size": 16 << 20,
    "max_parts_cleaning_thread_pool_size": 2,
    "max_active_parts_loading_thread_pool_size": 4,
    "max_outdated_parts_loading_thread_pool_size": 2,
}


def embedded(settings: Settings) -> Client:
    """A client of the engine in this process, its data in the data folder."""
    path = settings.data / "clickhouse"
    options = EMBEDDED | {"max_server_memory_usage": settings.memory_bytes or half_of_the_machine()}
    with translated(f"cannot open the data folder {path}"):
        path.mkdir(parents=True, exist_ok=True)
        return clickhouse_connect.get_client(
            interface="chdb", path=str(path), chdb_options=options, settings=SESSION, tz_mode="aware"
        )


def server(settings: Settings, **instead: Any) -> Client:
    """A client of the server. Long parameters travel in a form, so that no URL becomes too long."""
    url = urlsplit(settings.clickhouse_url or "")
    if url.scheme not in ("http", "https") or not url.hostname:
        raise Invalid("ROLLBOOK_CLICKHOUSE_URL must be http://user:password@host:8123/database, or https://…:8443/…")
    given: dict[str, Any] = {
        "dsn": settings.clickhouse_url,
        "interface": url.scheme,
        "settings": SESSION,
        "tz_mode": "aware",
        "autogenerate_session_id": False,
        # while a statement runs, the server keeps the connection alive, so this bounds silence, not work
        "send_receive_timeout": math.ceil(settings.max_query_ms / 1000) + NETWORK_SECONDS,
    }
    with translated("cannot reach ROLLBOOK_CLICKHOUSE_URL"):
        return clickhouse_connect.get_client(**given | instead)


def make_database(settings: Settings) -> None:
    """Make the server's database if it is not there."""
    url = urlsplit(settings.clickhouse_url or "")
    name = unquote(url.path.strip("/"))
    if not name:
        return
    client = server(settings, dsn=url._replace(path="").geturl())
    with contextlib.closing(client), translated(f"there is no database {name}; make it, or allow CREATE DATABASE"):
        there = client.query("select count() from system.databases where name = {name:String}", {"name": name})
        if not there.result_rows[0][0]:
            client.command("create database if not exists {name:Identifier}", {"name": name})


def half_of_the_machine() -> int:
    """Bytes: what the store may use unless ROLLBOOK_MEMORY_BYTES says otherwise."""
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    with contextlib.suppress(OSError, ValueError):
        # a container's limit; "max" where there is none
        machine = min(machine, int(CONTAINER_LIMIT.read_text()))
    return machine // 2


@contextlib.contextmanager
def translated(what: str = "the store failed") -> Iterator[None]:
    """Turn the driver's errors into ours: a limit is named, anything else is Unavailable."""
    try:
        yield
    except ClickHouseError as error:
        code = getattr(error, "code", None)
        if code == TIMEOUT_EXCEEDED:
            raise QueryTimeout(
                "the question took longer than MAX_QUERY_EXECUTION_TIME_MS; ask for less", retry_after_seconds=30
            ) from error
        if code == MEMORY_LIMIT_EXCEEDED:
            raise Unavailable(
                "the question needs more memory than ROLLBOOK_MEMORY_BYTES allows; ask for less"
            ) from error
        if code == QUERY_WAS_CANCELLED:
            raise Unavailable("the question was given up: nobody waited for it, or somebody ended it") from error
        if BAD_PARAMETER in str(error):
            raise Invalid(f"a value is outside of what can be asked for: {_first_line(error)}") from error
        raise Unavailable(f"{what}: {_first_line(error)}") from error
    except OSError as error:
        raise Unavailable(f"{what}: {error}") from error


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:400]
