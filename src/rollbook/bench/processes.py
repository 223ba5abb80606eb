"""Processes: servers on 127.0.0.1, each in a process and a folder of its own, stopped by the id that was started."""

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from rollbook.bench.machine import TICKS
from rollbook.errors import Unavailable
from rollbook.settings import Settings, names_of

TENANT = "bench"
START_SECONDS = 180
STOP_SECONDS = 120
MOST_LOG = 2000
# settings of whoever measures must not decide the figures
OURS = {name for setting in Settings.model_fields for name in names_of(setting)}
# /proc/PID/stat after the name: user and system time
USER, SYSTEM = 11, 12


@dataclass(slots=True)
class Server:
    """A running server; `key`: what it wants to be shown."""

    process: subprocess.Popen[bytes]
    address: str
    log: Path
    key: str = ""

    @property
    def port(self) -> int:
        """Where it listens."""
        return urlsplit(self.address).port or 0

    def cpu_seconds(self) -> float:
        """Processor seconds that it has taken so far; 0 where the system does not tell."""
        with suppress(OSError):
            fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
            return (int(fields[USER]) + int(fields[SYSTEM])) / TICKS
        return 0.0

    def resident_bytes(self) -> int | None:
        """Memory that it holds now."""
        return self._status("VmRSS")

    def peak_bytes(self) -> int | None:
        """Most memory that it has held since the start, or since `forget_peak`."""
        return self._status("VmHWM")

    def forget_peak(self) -> None:
        """Measure the peak anew from here."""
        with suppress(OSError):
            Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")

    def kill(self) -> None:
        """End it as a power failure would."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(STOP_SECONDS)

    def stop(self) -> None:
        """End it cleanly."""
        if self.process.poll() is not None:
            return
        self.process.terminate()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()

    def _status(self, name: str) -> int | None:
        with suppress(OSError):
            for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
                if line.startswith(f"{name}:"):
                    return int(line.split()[1]) << 10
        return None


@contextmanager
def serving(data: Path, **environment: str) -> Iterator[Server]:
    """`rollbook serve` on a free port."""
    with _started(["-m", "rollbook", "serve", "--data", str(data), "--port", "0"], data, environment) as server:
        yield server


@contextmanager
def guarded(data: Path) -> Iterator[Server]:
    """`rollbook serve` with access, audit and pseudonyms, as `rollbook tenant create` makes a tenant."""
    with serving(data, ROLLBOOK_AUTH="required") as server:
        _by_hand("tenant", "create", TENANT, "--data", str(data))
        server.key = _by_hand("key", "create", "--tenant", TENANT, "--role", "admin", "--data", str(data))
        yield server


def _by_hand(*words: str) -> str:
    ran = subprocess.run(
        [sys.executable, "-m", "rollbook", *words],
        env=_environment({}), capture_output=True, text=True, timeout=START_SECONDS, check=False,
    )  # fmt: skip
    if ran.returncode:
        raise Unavailable(f"rollbook {' '.join(words)} failed: {ran.stderr[-MOST_LOG:]}")
    return ran.stdout.strip()


@contextmanager
def serving_bare(data: Path) -> Iterator[Server]:
    """The bare loop on a free port."""
    with _started(["-m", "rollbook.bench.bare", str(data)], data, {}) as server:
        yield server


def done(module: str, *words: object, timeout_seconds: float = 3600) -> str:
    """What a module of the bench prints, run in a process of its own. Raises Unavailable with its last words."""
    command = [sys.executable, "-m", f"rollbook.bench.{module}", *map(str, words)]
    ran = subprocess.run(
        command, env=_environment({}), capture_output=True, text=True, timeout=timeout_seconds, check=False
    )
    if ran.returncode:
        raise Unavailable(f"{module} failed: {ran.stderr[-MOST_LOG:]}")
    return ran.stdout


@contextmanager
def _started(words: list[str], data: Path, environment: dict[str, str]) -> Iterator[Server]:
    data.mkdir(parents=True, exist_ok=True)
    log = data.with_name(f"{data.name}.log")
    with log.open("wb") as errors:
        process = subprocess.Popen(
            [sys.executable, *words], env=_environment(environment), stdout=subprocess.PIPE, stderr=errors
        )
    server = Server(process, "", log)
    try:
        server.address = _greeting(server)
        yield server
    finally:
        server.stop()
        if process.stdout is not None:
            process.stdout.close()


def _greeting(server: Server) -> str:
    """The address in the first line that it prints."""
    assert server.process.stdout is not None
    until, told = time.monotonic() + START_SECONDS, b""
    while b"\n" not in told:
        ready, _, _ = select.select([server.process.stdout], [], [], max(0.0, until - time.monotonic()))
        piece = os.read(server.process.stdout.fileno(), 4096) if ready else b""
        if not piece:
            raise Unavailable(f"the server did not start: {server.log.read_text()[-MOST_LOG:] or 'it says nothing'}")
        told += piece
    return told.decode().splitlines()[0].rpartition(" ")[2].strip()


def _environment(more: dict[str, str]) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name.upper() not in OURS}
    return kept | {"LOG_LEVEL": "WARNING", "ROLLBOOK_AUTH": "none"} | more
