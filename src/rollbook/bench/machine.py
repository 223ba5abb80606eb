"""Machine: what the figures were measured on, and how busy others kept it meanwhile. Linux tells; others partly."""

import os
import platform
import resource
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = ("rollbook", "chdb", "clickhouse-connect", "pyarrow", "fastapi", "uvicorn", "uvloop", "msgspec")
TICKS = os.sysconf("SC_CLK_TCK")
# /proc/stat: user, nice, system, idle, iowait, irq, softirq, steal
IDLE, WAITING = 3, 4


def described(folder: Path) -> list[tuple[str, str]]:
    """Names and values, to be shown as a table. `folder`: where the data is kept while measuring."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return [
        ("date", f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"),
        ("processors", f"{os.cpu_count()} of {_processor()}"),
        ("memory", f"{memory / 2**30:.1f} GiB"),
        ("system", f"{platform.system()} {platform.release()}, {platform.machine()}"),
        ("data on", _file_system(folder)),
        ("Python", platform.python_version()),
        *((name, found) for name in PACKAGES if (found := _version(name))),
    ]


def load_average() -> str:
    """The load averages of 1, 5 and 15 minutes."""
    try:
        return " ".join(f"{load:.2f}" for load in os.getloadavg())
    except OSError:
        return "unknown"


def _machine_seconds() -> tuple[float, float] | None:
    """Busy and all processor seconds of the machine since it started."""
    with suppress(OSError, ValueError):
        ticks = [int(word) for word in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
        return (sum(ticks) - ticks[IDLE] - ticks[WAITING]) / TICKS, sum(ticks) / TICKS
    return None


def _own_seconds() -> float:
    """Processor seconds of this process and of the children that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


@dataclass(slots=True)
class Others:
    """Notices which share of the machine's time programs other than ours took, from its making to `share`."""

    _begun: tuple[float, float] | None = field(default_factory=_machine_seconds)
    _ours: float = field(default_factory=_own_seconds)

    def share(self, server_seconds: float) -> float | None:
        """0 to 1; `server_seconds` are those of the server, whose process has not ended yet."""
        ended = _machine_seconds()
        if self._begun is None or ended is None or ended[1] <= self._begun[1]:
            return None
        busy, total = ended[0] - self._begun[0], ended[1] - self._begun[1]
        return max(0.0, busy - server_seconds - (_own_seconds() - self._ours)) / total


def _processor() -> str:
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _file_system(folder: Path) -> str:
    """The kind of file system: on one in memory, "on disk" means nothing."""
    place, kind = "", "unknown"
    with suppress(OSError):
        for line in Path("/proc/mounts").read_text().splitlines():
            _, mount, found, *_ = line.split()
            if folder.resolve().is_relative_to(mount) and len(mount) >= len(place):
                place, kind = mount, found
    return f"{kind} (in memory: syncing costs nothing here)" if kind in ("tmpfs", "ramfs") else kind


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
