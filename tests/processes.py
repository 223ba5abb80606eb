"""Other processes: scripts that need an engine, a data folder or a death of their own."""

import subprocess
import sys
import textwrap
from pathlib import Path

ROOT = Path(__file__).parent.parent


def command(script: str, *arguments: object) -> list[str]:
    """How to run a script; its arguments are in `sys.argv[1:]`."""
    return [sys.executable, "-c", textwrap.dedent(script), *map(str, arguments)]


def run(script: str, *arguments: object) -> list[str]:
    """Run a script to its end; the lines it printed. Fails with what it said if it fails."""
    done = subprocess.run(command(script, *arguments), cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def started(script: str, *arguments: object) -> subprocess.Popen[str]:
    """A script that runs beside the test; read its lines from `stdout`, let it go on by writing to `stdin`."""
    return subprocess.Popen(
        command(script, *arguments), cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
