"""Goals: what each figure should be, and whether it is."""

from dataclasses import dataclass

from rollbook.bench.ingest import Rounds
from rollbook.bench.questions import Asks, Term
from rollbook.bench.results import Results

SHARE_OF_BARE = 0.6
P99_MS = 200
MOST_OF_GUARDS = 0.10
EVENTS_A_SECOND = 10_000
LIVE_P99_MS = 1_000
GOAL_EVENTS = 30_000_000
IMPORTED_A_SECOND = 120_000
IDLE_BYTES = 400_000_000
ASK_MS = 500
ASKING_BYTES = 2_000_000_000
ASKS_MS = {
    "dashboard data": 150,
    "retention of everybody": 150,
    "retention of 100,000 named learners": 150,
    "metrics of one learner": 30,
}


@dataclass(frozen=True, slots=True)
class Goal:
    """`reached` None: it was not measured in this run."""

    what: str
    wanted: str
    measured: str
    reached: bool | None


def goals(results: Results) -> list[Goal]:
    """Every goal there is."""
    asked = [*_asks(results), *_questions(results)]
    return [*_ingest(results), _visible(results), *_live(results), *asked, _imported(results), _idle(results)]


def _at_least(what: str, wanted: float, found: float | None, form: str) -> Goal:
    shown = "not measured" if found is None else format(found, form)
    return Goal(what, f"at least {wanted:{form}}", shown, None if found is None else found >= wanted)


def _below(what: str, wanted: float, found: float | None, unit: str) -> Goal:
    shown = "not measured" if found is None else f"{found:,.0f} {unit}"
    return Goal(what, f"below {wanted:,.0f} {unit}", shown, None if found is None else found < wanted)


def _ingest(results: Results) -> list[Goal]:
    found: dict[int, Rounds] = {one.batch: one for one in results.rounds}
    large, single = found.get(1000), found.get(1)
    share, alone = (one.ratio() if one else None for one in (large, single))
    p99, rate = (large.median("rollbook", name) if large else None for name in ("p99_ms", "rate"))
    return [
        _at_least("batches of 1,000: rate over the bare loop's", SHARE_OF_BARE, share, ".2f"),
        _below("batches of 1,000: p99", P99_MS, p99, "ms"),
        _at_least("batches of 1,000: events/s", EVENTS_A_SECOND, rate, ",.0f"),
        _at_least("single events: rate over the bare loop's", SHARE_OF_BARE, alone, ".2f"),
        _guards(results),
        _none("acknowledged events that are missing", [one.missing for one in results.rounds]),
        _none("rollups that differ from the events", [one.differences for one in results.rounds]),
    ]


def _guards(results: Results) -> Goal:
    """By processor time, which says more than the rate where other programs run beside."""
    cost = results.guarded.ratio("cpu_micros", "guarded", "rollbook") - 1 if results.guarded else None
    what, wanted = "access, audit and pseudonyms: more processor time of a batch", f"below {MOST_OF_GUARDS:.0%}"
    if cost is None:
        return Goal(what, wanted, "not measured", None)
    return Goal(what, wanted, f"{cost:.1%}", cost < MOST_OF_GUARDS)


def _visible(results: Results) -> Goal:
    misses = [one.misses for one in results.visible.values()]
    return _none("acknowledged events that the next question did not find", misses)


def _live(results: Results) -> list[Goal]:
    runs = results.live.values()
    latest = max((run.milliseconds()[1] for run in runs), default=None)
    return [
        _below("1,000 live connections: from the ack to the client, p99", LIVE_P99_MS, latest, "ms"),
        _none("events that a live connection did not get, or got twice", [run.missing + run.repeated for run in runs]),
    ]


def _none(what: str, counts: list[int]) -> Goal:
    return Goal(what, "0", f"{sum(counts)}" if counts else "not measured", sum(counts) == 0 if counts else None)


def _asks(results: Results) -> list[Goal]:
    """The slowest of the medians where a call is made with several parameters."""
    term = _term(results)
    found = []
    for name, most in ASKS_MS.items():
        medians = [one.p50_ms for one in term.documented if one.name == name and not one.failed] if term else []
        found.append(_below(f"30 million events: {name}, p50", most, max(medians, default=None), "ms"))
    return found


def _questions(results: Results) -> list[Goal]:
    """Every question of the catalogue, and the most memory that the server held while one was answered."""
    term = _term(results)
    asked = term.questions if term else []
    peak = max((one.peak_bytes or 0 for one in asked), default=0)
    return [
        _slow("questions, those of courses about one", [one for one in asked if not one.wide]),
        _slow("questions of courses, about all 24 at once", [one for one in asked if one.wide]),
        _slow("everything, asked once more while nothing changed", asked, "again_ms"),
        _grown(results.terms),
        _below("30 million events: most memory while asked", ASKING_BYTES / 1e6, peak / 1e6 if peak else None, "MB"),
    ]


def _slow(what: str, asked: list[Asks], figure: str = "p50_ms") -> Goal:
    slow = [one for one in asked if one.failed or getattr(one, figure) >= ASK_MS]
    shown = f"{len(slow)} of {len(asked)}" if asked else "not measured"
    return Goal(f"30 million events: {what}: p50 of {ASK_MS} ms and more", "0", shown, not slow if asked else None)


def _grown(terms: list[Term]) -> Goal:
    """From the fewest to the most events."""
    what = "questions whose p50 grew more than the events did"
    ends = [min(terms, key=lambda one: one.events), max(terms, key=lambda one: one.events)] if terms else []
    if not ends or ends[0].events == ends[1].events:
        return Goal(f"from the fewest events to the most: {what}", "0", "not measured", None)
    fold = ends[1].events / ends[0].events
    pairs = list(zip(ends[0].questions, ends[1].questions, strict=True))
    grown = [many for few, many in pairs if few.failed or many.failed or many.p50_ms > fold * few.p50_ms]
    sizes = " to ".join(f"{one.events / 1e6:g}" for one in ends)
    return Goal(f"from {sizes} million events: {what}", "0", f"{len(grown)} of {len(pairs)}", not grown)


def _term(results: Results) -> Term | None:
    return next((one for one in results.terms if one.events == GOAL_EVENTS), None)


def _imported(results: Results) -> Goal:
    rate = results.imported.rate if results.imported else None
    return _at_least("import of the Open University's dataset: rows/s", IMPORTED_A_SECOND, rate, ",.0f")


def _idle(results: Results) -> Goal:
    idle = results.sustained.idle_bytes if results.sustained else None
    return _below("resident memory, idle", IDLE_BYTES / 1e6, idle / 1e6 if idle else None, "MB")
