"""Ingest: how many events a second, beside the bare loop, and whether a question finds them at once."""

import time
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from rollbook.bench import bodies
from rollbook.bench.calls import Caller, high, middle
from rollbook.bench.load import Load, send
from rollbook.bench.machine import Others
from rollbook.bench.plan import Plan
from rollbook.bench.processes import Server, guarded, serving, serving_bare

# events in a request, and how many connections send them
CONNECTIONS = {1: 64, 100: 16, 1000: 8}
# where the numbers in the ids of a warm-up and of a run begin
FIRST, SECOND = 0, 1 << 30
IDLE_SECONDS = 3
KINDS = {"bare": serving_bare, "rollbook": serving}
GUARDS = {"rollbook": serving, "guarded": guarded}


@dataclass(frozen=True, slots=True)
class Run:
    """One run of load. `others`: the share of the machine that other programs took meanwhile."""

    load: Load
    cpu_seconds: float
    others: float | None

    @property
    def cpu_micros(self) -> float:
        """Microseconds of processor time that the server took for an event."""
        return self.cpu_seconds / self.load.events * 1e6 if self.load.events else 0.0


@dataclass(slots=True)
class Rounds:
    """The runs at one batch size. `missing`: acknowledged by Rollbook, and not counted by it afterwards."""

    batch: int
    runs: dict[str, list[Run]] = field(default_factory=lambda: defaultdict(list))
    missing: int = 0
    differences: int = 0

    def median(self, kind: str, figure: str) -> float:
        """The median over the rounds of a figure of a run (`cpu_micros`) or of its load (`rate`, `p50_ms`, …)."""
        found = self.runs[kind]
        return middle([getattr(run if figure == "cpu_micros" else run.load, figure) for run in found])

    def ratio(self, figure: str = "rate", kind: str = "rollbook", over: str = "bare") -> float:
        """The figure of one kind over that of another."""
        below = self.median(over, figure)
        return self.median(kind, figure) / below if below else 0.0


@dataclass(slots=True)
class Sustained:
    """A longer run of batches of 1,000, and the memory of the server before, after and at the most."""

    run: Run
    idle_bytes: int | None
    after_bytes: int | None
    peak_bytes: int | None


@dataclass(slots=True)
class Visibility:
    """Post one event, ask for it at once. Seconds of each; `misses`: it was not there when first asked for."""

    posted: list[float] = field(default_factory=list)
    asked: list[float] = field(default_factory=list)
    misses: int = 0


def rounds(plan: Plan, folder: Path, batch: int) -> Rounds:
    """Bare, Rollbook, bare, Rollbook, …, each with a fresh process and folder, so that both meet the same noise."""
    told = bodies.write(folder / f"bodies-{batch}", batch)
    found = Rounds(batch)
    for number in range(plan.rounds):
        for kind, start in KINDS.items():
            with start(folder / f"{kind}-{batch}-{number}") as server:
                warm = _run(server, told, batch, plan.warm_seconds, FIRST)
                run = _run(server, told, batch, plan.seconds, SECOND)
                found.runs[kind].append(run)
                if kind == "rollbook":
                    found.missing += _missing(server, warm.load.events + run.load.events)
                if kind == "rollbook" and number == plan.rounds - 1:
                    found.differences = _differences(server)
    return found


def guards(plan: Plan, folder: Path) -> Rounds:
    """Batches of 1,000 to an open server and to one with access, audit and pseudonyms, taking turns."""
    batch = 1000
    told = bodies.write(folder / "bodies-guards", batch)
    found = Rounds(batch)
    for number in range(plan.rounds):
        for kind, start in GUARDS.items():
            with start(folder / f"guards-{kind}-{number}") as server:
                warm = _run(server, told, batch, plan.warm_seconds, FIRST)
                run = _run(server, told, batch, plan.seconds, SECOND)
                found.runs[kind].append(run)
                found.missing += _missing(server, warm.load.events + run.load.events)
    return found


def sustained(plan: Plan, folder: Path) -> Sustained:
    """Batches of 1,000 for a while."""
    told = bodies.write(folder / "bodies-sustained", 1000)
    with serving(folder / "sustained") as server:
        Caller(server).get("/health")
        time.sleep(IDLE_SECONDS)
        idle = server.resident_bytes()
        run = _run(server, told, 1000, plan.sustained_seconds, FIRST)
        return Sustained(run, idle, server.resident_bytes(), server.peak_bytes())


def visible(server: Server, posts: int, mark: str) -> Visibility:
    """One client that does nothing else."""
    found = Visibility()
    for number in range(posts):
        look(server, found, f"{mark}-{number}")
    return found


def look(server: Server, found: Visibility, event: str) -> None:
    """Post an event of a new learner, and ask at once what this learner did."""
    caller, learner = Caller(server), f"learner-{event}"
    sent = caller.post("/events", {"event_type": "content_view", "user_id": learner, "event_id": event})
    seen = caller.get("/api/v2/ask/timeline", {"user": learner})
    caller.close()
    found.posted.append(sent.seconds)
    found.asked.append(seen.seconds)
    found.misses += [row["event_id"] for row in seen.json()["rows"]] != [event]


def _run(server: Server, told: Path, batch: int, seconds: int, first: int) -> Run:
    others, before = Others(), server.cpu_seconds()
    load = send(server, told, batch=batch, connections=CONNECTIONS[batch], seconds=seconds, first=first)
    used = server.cpu_seconds() - before
    return Run(load, used, others.share(used))


def _missing(server: Server, acknowledged: int) -> int:
    """How many of the acknowledged events a question does not count."""
    total = Caller(server).get("/api/v2/ask/totals").json()["rows"][0]["events"]
    return max(0, acknowledged - int(total))


def _differences(server: Server) -> int:
    """How many rollups differ from their events."""
    return len(Caller(server).post("/api/v2/verify").json()["differences"])


def percentiles(seconds: list[float]) -> tuple[float, float, float]:
    """Median, 99th percentile and maximum, in milliseconds."""
    return middle(seconds) * 1e3, high(seconds) * 1e3, max(seconds, default=0.0) * 1e3
