"""A terminal: the command line and the server as real processes, as a person at a shell would use them."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PROGRAM = (sys.executable, "-m", "rollbook")
TIMEOUT_SECONDS = 120

# what the tests' own environment must not decide
UNSET = ("ROLLBOOK_DATA", "ROLLBOOK_PORT", "PORT", "HTTP_PORT", "LOG_LEVEL", "DATABASE_URL", "ROLLBOOK_CLICKHOUSE_URL")


def environment(**more: str) -> dict[str, str]:
    """The environment of a fresh shell."""
    return {name: value for name, value in os.environ.items() if name not in UNSET} | more


def rollbook(*words: object, here: Path | None = None, **more: str) -> subprocess.CompletedProcess[str]:
    """`rollbook …`, run to its end; `more` are environment variables."""
    command = [*PROGRAM, *map(str, words)]
    return subprocess.run(
        command,
        cwd=here,
        env=environment(**more),
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )


class Serving:
    """A running server."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        assert process.stdout is not None
        self.greeting = process.stdout.readline()
        self.address = self.greeting.rpartition(" ")[2].strip()
        self.errors = ""

    def stop(self) -> int:
        """SIGTERM, and its exit code."""
        self.process.terminate()
        _, self.errors = self.process.communicate(timeout=TIMEOUT_SECONDS)
        return self.process.returncode


@contextmanager
def serving(data: Path, **more: str) -> Iterator[Serving]:
    """`rollbook serve` on a free port, ready when this begins and stopped when it ends."""
    command = [*PROGRAM, "serve", "--data", str(data), "--port", "0"]
    process = subprocess.Popen(
        command, env=environment(**more), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        yield Serving(process)
    finally:
        if process.poll() is None:
            process.terminate()
        process.communicate(timeout=TIMEOUT_SECONDS)
