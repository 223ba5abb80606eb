"""Questions: how long each takes over a term of events, and how much memory; how soon a full folder is open."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from rollbook.analyses.catalogue import QUESTIONS
from rollbook.bench import asked, bodies
from rollbook.bench.asked import Parameters
from rollbook.bench.bodies import MARK
from rollbook.bench.calls import Caller, Reply, middle
from rollbook.bench.filling import learner, term_end
from rollbook.bench.plan import Plan
from rollbook.bench.processes import Server, done, serving

# a day that somebody writes to stays unrolled: so it is in a school while it is open
NEVER_ROLLED = {"ROLLBOOK_ROLL_QUIET_SECONDS": str(10**9)}
MOST_CALM_SECONDS = 300
# of one processor; what runs by itself now and then takes less
CALM_SHARE = 0.1
OK = 200
# of one call
MOST_ASKS = 1_000
MOST_OF_BODY = 300
TIMES_AGAIN = 3


@dataclass(slots=True)
class Asks:
    """How long one call took, again and again, after a first time; `failed`: what it answered instead.

    `seconds`: of answers that had to be worked out, since each was asked as of another moment. `again`: of the last of
    them, asked once more while nothing changed. `wide`: asked about all courses at once, though it can be asked about
    one.
    """

    name: str
    parameters: str
    first: float = 0.0
    seconds: list[float] = field(default_factory=list)
    again: list[float] = field(default_factory=list)
    cpu_seconds: float = 0.0
    peak_bytes: int | None = None
    failed: str = ""
    wide: bool = False

    @property
    def cpu_ms(self) -> float:
        """Processor time of one, on the average."""
        return self.cpu_seconds / max(len(self.seconds), 1) * 1e3

    @property
    def p50_ms(self) -> float:
        """The median."""
        return middle(self.seconds) * 1e3

    @property
    def again_ms(self) -> float:
        """The median of the same asked once more."""
        return middle(self.again) * 1e3

    @property
    def max_ms(self) -> float:
        """The slowest."""
        return max(self.seconds, default=0.0) * 1e3


@dataclass(slots=True)
class Term:
    """All that was measured over one number of events."""

    events: int
    filled: dict[str, Any]
    questions: list[Asks] = field(default_factory=list)
    documented: list[Asks] = field(default_factory=list)
    idle_bytes: int | None = None
    peak_bytes: int | None = None


@dataclass(slots=True)
class Start:
    """From the command to the first healthy answer; a batch of 1,000 then; until the server has nothing left to do."""

    stop: str
    healthy_seconds: float = 0.0
    first_batch_seconds: float = 0.0
    calm_seconds: float = 0.0
    resident_bytes: int | None = None


def term(plan: Plan, folder: Path, events: int) -> Term:
    """Fill a folder, serve it, write to its last day, and ask everything."""
    found = Term(events, json.loads(done("filling", folder, events, plan.days, plan.learners)))
    with serving(folder, **NEVER_ROLLED) as server:
        calm(server)
        found.idle_bytes = server.resident_bytes()
        caller = Caller(server)
        caller.post("/events", _late_event())
        asking = _Asking(plan, server, caller)
        for kind in QUESTIONS:
            found.questions += [asking.answered(kind.name(), way) for way in asked.ways(kind, plan)]
        found.documented += [asking.asked(*call) for call in _documented(plan)]
        found.peak_bytes = max((one.peak_bytes or 0 for one in (*found.questions, *found.documented)), default=0)
    found.documented.append(_named(plan, folder))
    return found


def starts(plan: Plan, folder: Path) -> list[Start]:
    """Start on a folder that was closed, and on one whose server was killed."""
    told = bodies.write(folder.with_name("bodies-starts"), 1000).read_bytes().splitlines()
    found = []
    for number, stop in enumerate(("clean", "killed")):
        began = time.perf_counter()
        with serving(folder, **NEVER_ROLLED) as server:
            start = Start(stop)
            caller = Caller(server)
            while caller.get("/health").status != OK:
                time.sleep(0.01)
            start.healthy_seconds = time.perf_counter() - began
            start.first_batch_seconds = caller.post(
                "/events", body=told[number].replace(MARK.encode(), b"%08x" % number)
            ).seconds
            calm(server)
            start.calm_seconds = time.perf_counter() - began
            start.resident_bytes = server.resident_bytes()
            found.append(start)
            server.kill()
    return found


def calm(server: Server) -> None:
    """Wait until the server works no more, or for as long as that may take."""
    until = time.monotonic() + MOST_CALM_SECONDS
    while time.monotonic() < until:
        before = server.cpu_seconds()
        time.sleep(1)
        if server.cpu_seconds() - before < CALM_SHARE:
            return


class _Asking:
    """Asks one server, over one connection."""

    def __init__(self, plan: Plan, server: Server, caller: Caller) -> None:
        self._plan = plan
        self._server = server
        self._caller = caller

    def answered(self, name: str, way: asked.Asking) -> Asks:
        """A question, asked in one way."""
        if not way.known:
            return Asks(name, "", failed="a parameter that the bench does not know")
        found = self.asked(name, f"/api/v2/ask/{name}", way.parameters)
        found.wide = way.wide
        return found

    def asked(self, name: str, path: str, each: Callable[[int], Parameters]) -> Asks:
        """Once to warm up, then again and again; `each` gives the parameters of the n-th time."""
        found = Asks(name, _shown(each(0)))
        self._server.forget_peak()
        used = 0.0
        until = time.monotonic() + self._plan.most_seconds_of_asks
        for number in range(self._plan.asks + 1):
            reply = self._call(path, each(number))
            found.failed = _failed(reply)
            if found.failed:
                break
            if number == 0:
                found.first, used = reply.seconds, self._server.cpu_seconds()
            else:
                found.seconds.append(reply.seconds)
            if time.monotonic() > until and found.seconds:
                break
        found.cpu_seconds = self._server.cpu_seconds() - used
        found.peak_bytes = self._server.peak_bytes()
        for _ in range(0 if found.failed else TIMES_AGAIN):
            reply = self._call(path, each(number))
            found.failed = found.failed or _failed(reply)
            found.again.append(reply.seconds)
        return found

    def _call(self, path: str, parameters: Parameters) -> Reply:
        words = {name: value for name, value in parameters.items() if "{" + name + "}" not in path}
        return self._caller.get(path.format(**parameters), words)


def _failed(reply: Reply) -> str:
    """What it answered instead of an answer; empty: it did."""
    return "" if reply.status == OK else f"HTTP {reply.status}: {reply.body[:MOST_OF_BODY].decode('utf-8', 'replace')}"


def _again(number: int) -> Parameters:
    """As of moments of which no question was asked: document 1's calls ask some of the same once more."""
    return asked.moment(number + MOST_ASKS)


def _documented(plan: Plan) -> Iterator[tuple[str, str, Callable[[int], Parameters]]]:
    """What document 1's clients call, and the page."""
    yield "dashboard data", "/dashboard-data", _again
    yield "retention of everybody", "/retention", lambda n: _again(n) | {"period": 7}
    yield "retention of everybody", "/retention", lambda n: _again(n) | {"period": 30}
    for what in ("metrics", "engagement", "predict-dropout"):
        yield f"{what} of one learner", f"/{what}/{{user}}", lambda n: _again(n) | {"user": asked.someone(n, plan)}
    yield "cohort analysis", "/cohort-analysis", lambda n: _again(n) | {"cohort_date": asked.first_day(plan)}
    yield "the overview page's data", "/overview.json", _again


def _named(plan: Plan, folder: Path) -> Asks:
    told = json.loads(done("naming", folder, plan.learners, plan.asks))
    first, *seconds = told["seconds"] or [0.0]
    return Asks(
        f"retention of {plan.learners:,} named learners",
        "in Python, period=7",
        first,
        seconds,
        cpu_seconds=told["cpu_seconds"],
        peak_bytes=told["peak_bytes"],
        failed=told["failed"],
    )


def _shown(parameters: Parameters) -> str:
    return ", ".join(f"{name}={value}" for name, value in parameters.items() if name not in ("as_of", "user"))


def _late_event() -> Parameters:
    at = (term_end() - timedelta(seconds=1)).isoformat()
    return {"event_type": "content_view", "user_id": learner(0), "timestamp": at, "event_id": "bench-late"}
