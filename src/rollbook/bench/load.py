"""Load: requests over kept connections for some seconds, each with new events. By `wrk`, or from threads in Python."""

import http.client
import json
import os
import shutil
import subprocess
import threading
import time
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path

from rollbook.bench.bodies import MARK
from rollbook.bench.processes import Server
from rollbook.errors import Unavailable

PATH = "/events"
# how long a run may take beyond its seconds, before it is given up
GRACE_SECONDS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What came of it: acknowledged requests and events, and how long a request took (milliseconds)."""

    requests: int
    events: int
    seconds: float
    refused: int
    broken: int
    p50_ms: float
    p99_ms: float
    max_ms: float

    @property
    def rate(self) -> float:
        """Acknowledged events a second."""
        return self.events / self.seconds if self.seconds else 0.0


def generator() -> str:
    """What makes the load on this machine."""
    return "wrk" if shutil.which("wrk") else "Python threads"


def send(server: Server, bodies: Path, *, batch: int, connections: int, seconds: int, first: int) -> Load:
    """Post for some seconds. `first`: where the numbers in the ids begin; runs against one server must not overlap."""
    how = _by_wrk if shutil.which("wrk") else _from_threads
    found = how(server, bodies, connections, seconds, first)
    requests = int(found["requests"]) - int(found["refused"])
    return Load(
        requests=requests,
        events=requests * batch,
        seconds=found["seconds"],
        refused=int(found["refused"]),
        broken=int(found["broken"]),
        p50_ms=found["p50_ms"],
        p99_ms=found["p99_ms"],
        max_ms=found["max_ms"],
    )


def _by_wrk(server: Server, bodies: Path, connections: int, seconds: int, first: int) -> dict[str, float]:
    with as_file(files("rollbook.bench").joinpath("post.lua")) as script:
        command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "30s", "-s", str(script)]
        ran = subprocess.run(
            [*command, f"http://127.0.0.1:{server.port}{PATH}"],
            env=os.environ | {"BODIES": str(bodies), "FIRST": str(first), "KEY": server.key},
            capture_output=True, text=True, timeout=seconds + GRACE_SECONDS, check=False,
        )  # fmt: skip
    if ran.returncode:
        raise Unavailable(f"wrk failed: {ran.stderr[-500:]}")
    found: dict[str, float] = json.loads(ran.stdout.splitlines()[-1])
    return found


class _Threads:
    """The same in Python, which is slow enough to be the limit itself for single events."""

    def __init__(self, server: Server, bodies: Path, first: int) -> None:
        self._port = server.port
        self._headers = {"Content-Type": "application/json"}
        if server.key:
            self._headers["Authorization"] = f"Bearer {server.key}"
        self._bodies = bodies.read_bytes().splitlines()
        self._number = first
        self._lock = threading.Lock()
        self.took: list[float] = []
        self.refused = self.broken = 0

    def work(self, until: float) -> None:
        """One connection."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        while (began := time.perf_counter()) < until:
            with self._lock:
                self._number += 1
                number = self._number
            body = self._bodies[number % len(self._bodies)].replace(MARK.encode(), b"%08x" % number)
            try:
                connection.request("POST", PATH, body, self._headers)
                response = connection.getresponse()
                response.read()
            except (OSError, http.client.HTTPException):
                with self._lock:
                    self.broken += 1
                return
            with self._lock:
                self.took.append(time.perf_counter() - began)
                self.refused += response.status != http.client.OK


def _from_threads(server: Server, bodies: Path, connections: int, seconds: int, first: int) -> dict[str, float]:
    began = time.perf_counter()
    sending = _Threads(server, bodies, first)
    threads = [threading.Thread(target=sending.work, args=(began + seconds,)) for _ in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = sorted(sending.took) or [0.0]
    return {
        "requests": len(sending.took),
        "seconds": time.perf_counter() - began,
        "refused": sending.refused,
        "broken": sending.broken,
        "p50_ms": took[len(took) // 2] * 1e3,
        "p99_ms": took[int(len(took) * 0.99)] * 1e3,
        "max_ms": took[-1] * 1e3,
    }
