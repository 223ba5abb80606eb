"""What tests need beside this process: ClickHouse, S3; PostgreSQL, Redis, Chromium, skipped with a reason if away."""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest

BINARIES = Path("/usr/lib/postgresql")


@contextlib.contextmanager
def postgresql() -> Iterator[str]:
    """The address of an empty PostgreSQL of our own, on a free port of this machine, gone at the end."""
    programs = _postgresql_programs()
    with tempfile.TemporaryDirectory(prefix="rollbook-postgresql-") as place:
        if os.geteuid() == 0:
            # PostgreSQL refuses to run as root
            shutil.chown(place, "postgres", "postgres")
        folder, port = Path(place) / "cluster", free_port()
        initdb = ["initdb", "--auth=trust", "--username=postgres", "--encoding=UTF8", "--no-sync", "-D", str(folder)]
        options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={place} -c fsync=off"
        start = ["pg_ctl", "-D", str(folder), "-w", "-l", str(folder / "log"), "-o", options, "start"]
        _run(programs, initdb)
        _run(programs, start)
        try:
            yield f"postgresql://postgres@127.0.0.1:{port}/postgres"
        finally:
            _run(programs, ["pg_ctl", "-D", str(folder), "-w", "-m", "immediate", "stop"])


@contextlib.contextmanager
def clickhouse(folder: Path, port: int = 0) -> Iterator[str]:
    """The address of a ClickHouse of our own in another process, gone at the end; its data in `folder`."""
    command = [sys.executable, "-m", "tests.clickhouse_endpoint", str(folder), str(port)]
    root = Path(__file__).parent.parent
    with subprocess.Popen(command, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.stdin.close()
            process.wait(timeout=60)


@contextlib.contextmanager
def redis_server(port: int = 0) -> Iterator[str]:
    """The address of an empty Redis of our own, on a free port of this machine, gone at the end."""
    program = shutil.which("redis-server")
    if program is None:
        missing("Redis is not installed: apt-get install redis-server")
    port = port or free_port()
    command = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    with subprocess.Popen(command, cwd=tempfile.gettempdir(), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            for line in process.stdout:
                if "Ready to accept connections" in line:
                    break
            yield f"redis://127.0.0.1:{port}/0"
        finally:
            process.kill()
            process.communicate()


@contextlib.contextmanager
def s3_server(unchecked_calls: int) -> Iterator[str]:
    """The address of an S3 of our own without buckets, on a free port of this machine, gone at the end.

    The first calls are anybody's, so that there can be a key; from then on signatures and policies are checked.
    """
    port = free_port()
    command = [sys.executable, "-m", "moto.server", "--host", "127.0.0.1", "--port", str(port)]
    environment = os.environ | {"INITIAL_NO_AUTH_ACTION_COUNT": str(unchecked_calls)}
    # nobody reads what it says of every call, and a full pipe would stop it
    quiet = subprocess.DEVNULL
    with subprocess.Popen(command, env=environment, stdout=quiet, stderr=quiet) as process:
        try:
            _await_listener(process, port)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.kill()


def chromium() -> str:
    """The path of Chromium; skips the test, or fails it, where there is none."""
    found = [path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))]
    if not found:
        missing("Chromium is not installed: apt-get install chromium")
    return found[0]


def missing(reason: str) -> NoReturn:
    """Skip the test with the reason; fail it where ROLLBOOK_REQUIRE_SERVICES=1 says that everything must be there."""
    if os.environ.get("ROLLBOOK_REQUIRE_SERVICES") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _await_listener(process: subprocess.Popen[bytes], port: int) -> None:
    while process.poll() is None:
        with contextlib.suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.05)
    raise RuntimeError(f"{process.args!r} ended before it listened")


def _postgresql_programs() -> Path:
    versions = sorted(BINARIES.glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if not versions:
        missing("PostgreSQL is not installed: apt-get install postgresql")
    return versions[-1].parent


def _run(programs: Path, command: list[str]) -> None:
    full = [str(programs / command[0]), *command[1:]]
    if os.geteuid() == 0:
        full = ["runuser", "-u", "postgres", "--", *full]
    done = subprocess.run(full, cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(full)} failed: {done.stderr}")
