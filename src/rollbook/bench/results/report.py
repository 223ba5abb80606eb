"""The report: all figures as Markdown, what they should be beside them, and on which machine they were taken."""

from collections.abc import Iterator, Sequence

from rollbook.bench.ingest import CONNECTIONS, Rounds, Run, Visibility, percentiles
from rollbook.bench.live import Watching
from rollbook.bench.plan import PARTS
from rollbook.bench.questions import Asks, Term
from rollbook.bench.results import Results
from rollbook.bench.results.goals import Goal, goals
from rollbook.bench.university import Imported

NAMES = {"bare": "bare loop", "rollbook": "Rollbook", "guarded": "with access, audit and pseudonyms"}
FIGURES = ("p50 / max ms", "CPU ms", "peak MB", "again ms")
ROUND = ("batch", "connections", "", "events/s", "each round", "p50 ms", "p99 ms", "CPU µs an event")
KEPT = {
    "events": "events",
    "event_keys": "keys of events seen",
    "activity": "rollup: activity",
    "learner_days": "rollup: learner days",
    "people": "rollup: people",
}


def report(results: Results) -> str:
    """The whole report."""
    sections = (
        ("What it must show", _goals(goals(results))),
        ("The machine", _machine(results)),
        ("Ingest", _ingest(results)),
        ("What access, audit and pseudonyms cost", _guards(results)),
        ("From acknowledged to visible", _visible(results.visible)),
        ("Live", _live(results.live)),
        ("Questions", _questions(results.terms)),
        ("Document 1 and the page", _documented(results.terms)),
        ("Import", _imported(results.imported)),
        ("Memory", _memory(results)),
        ("On disk", _disk(results.terms)),
        ("Start", _starts(results)),
    )
    lines = ["# Results", "", "Written by `rollbook bench`; what each figure means stands in [README.md](README.md)."]
    for title, content in sections:
        lines += ["", f"## {title}", "", *(list(content) or ["Not measured in this run."])]
    return "\n".join(lines) + "\n"


def table(names: Sequence[str], rows: Sequence[Sequence[object]]) -> Iterator[str]:
    """A table; all columns but the first are aligned to the right."""
    yield f"| {' | '.join(names)} |"
    yield f"|---|{'---:|' * (len(names) - 1)}"
    for row in rows:
        yield f"| {' | '.join(map(str, row))} |"


def _goals(found: list[Goal]) -> Iterator[str]:
    rows = [
        (one.what, one.wanted, one.measured, {True: "yes", False: "**no**", None: "-"}[one.reached]) for one in found
    ]
    yield from table(("figure", "wanted", "measured", "reached"), rows)


def _machine(results: Results) -> Iterator[str]:
    plan = results.plan
    more = [
        ("load average before", results.load_before),
        ("load average after", results.load_after),
        ("others' share of the processors during ingest", _others(results)),
        ("load generator", f"{results.generator}, on the same machine"),
        ("parts measured", ", ".join(part for part in PARTS if part in plan.parts)),
    ]
    yield from table(("", ""), [*results.machine, *more])


def _others(results: Results) -> str:
    """How much of the machine programs took that have nothing to do with this."""
    runs = [run for one in results.rounds for kind in one.runs.values() for run in kind]
    shares = sorted(run.others for run in runs if run.others is not None)
    if not shares:
        return "unknown"
    return f"{shares[0]:.0%} to {shares[-1]:.0%}, in the middle {shares[len(shares) // 2]:.0%}"


def _ingest(results: Results) -> Iterator[str]:
    if not results.rounds:
        return
    plan = results.plan
    yield f"Medians of {plan.rounds} runs of {plan.seconds} s each, the two taking turns; every run on a fresh folder."
    yield ""
    yield from table(ROUND, [row for one in results.rounds for row in _round_rows(one)])
    yield ""
    rows = [
        (
            one.batch, f"{one.ratio():.2f}", f"{1 / (one.ratio('cpu_micros') or 1):.2f}", _refusals(one),
            one.missing, one.differences,
        )
        for one in results.rounds
    ]  # fmt: skip
    columns = ("batch", "rate, Rollbook over bare", "the same by CPU", "not answered 200")
    yield from table((*columns, "acknowledged and missing", "rollups that differ"), rows)
    if results.sustained:
        run = results.sustained.run
        yield ""
        yield (
            f"{run.load.seconds:.0f} s of batches of 1,000 without a pause: {run.load.rate:,.0f} events/s,"
            f" p50 {run.load.p50_ms:.0f} ms, p99 {run.load.p99_ms:.0f} ms, longest {run.load.max_ms:.0f} ms."
        )


def _guards(results: Results) -> Iterator[str]:
    one = results.guarded
    if one is None:
        return
    yield from table(ROUND, list(_round_rows(one)))
    yield ""
    rate, cpu = (one.ratio(figure, "guarded", "rollbook") for figure in ("rate", "cpu_micros"))
    yield f"Rate {rate:.2f} of open access, processor time {cpu:.2f} of it; {one.missing} acknowledged and missing."


def _round_rows(one: Rounds) -> Iterator[Sequence[object]]:
    for kind in one.runs:
        each = " ".join(f"{run.load.rate:,.0f}" for run in one.runs[kind])
        figures = [f"{one.median(kind, name):,.1f}" for name in ("p50_ms", "p99_ms", "cpu_micros")]
        yield one.batch, CONNECTIONS[one.batch], NAMES[kind], f"{one.median(kind, 'rate'):,.0f}", each, *figures


def _refusals(one: Rounds) -> int:
    runs: list[Run] = [run for kind in one.runs.values() for run in kind]
    return sum(run.load.refused + run.load.broken for run in runs)


def _visible(found: dict[str, Visibility]) -> Iterator[str]:
    if not found:
        return
    rows = []
    for name, one in found.items():
        posted, asked = ([f"{value:.1f}" for value in percentiles(each)] for each in (one.posted, one.asked))
        rows.append((name, len(one.posted), one.misses, " / ".join(posted), " / ".join(asked)))
    yield "One event is posted, and asked for as soon as it is acknowledged. It must be there when first asked for."
    yield ""
    figures = "p50 / p99 / max"
    yield from table(
        ("", "events", "misses", f"acknowledged after, ms ({figures})", f"answered in, ms ({figures})"), rows
    )


def _live(found: dict[str, Watching]) -> Iterator[str]:
    if not found:
        return
    yield (
        "WebSockets to one process, and the client of all of them on the same machine. Events are posted one by one; a"
        " time is that from the ack to one client that has read and decoded the message."
    )
    yield ""
    rows = [
        (
            what, f"{one.clients:,}", one.posts, f"{one.opened_seconds:.1f}",
            " / ".join(f"{value:.0f}" for value in one.milliseconds()), one.missing, one.repeated,
            f"{1000 * one.cpu_seconds / max(one.posts, 1):.0f}", f"{one.resident_bytes / 1e6:.0f}",
        )
        for what, one in found.items()
    ]  # fmt: skip
    heads = (
        "watched", "connections", "events", "opened in, s", "after the ack, ms (p50 / p99 / max)", "missing", "twice",
        "CPU ms an event", "resident MB",
    )  # fmt: skip
    yield from table(heads, rows)


def _questions(terms: list[Term]) -> Iterator[str]:
    if terms:
        yield (
            "Over HTTP, warm, while the last day of the term is being written to (so it is not rolled up). Each answer"
            " had to be worked out, as it was asked as of another moment; `again` is the median of three more times, as"
            " of the same one."
        )
        yield ""
        yield from _asks(terms, [one.questions for one in terms])


def _documented(terms: list[Term]) -> Iterator[str]:
    if terms:
        yield from _asks(terms, [one.documented for one in terms])


def _asks(terms: list[Term], asked: list[list[Asks]]) -> Iterator[str]:
    names = [f"{_millions(one.events)}: {what}" for one in terms for what in FIGURES]
    rows = []
    for same in zip(*asked, strict=True):
        shown = f"{same[0].name} ({same[0].parameters})" if same[0].parameters else same[0].name
        rows.append([shown, *(cell for one in same for cell in _cells(one))])
    yield from table(("", *names), rows)
    for one, each in zip(terms, asked, strict=True):
        for failed in (ask for ask in each if ask.failed):
            yield f"\n{failed.name}, {_millions(one.events)}: {failed.failed}"


def _cells(one: Asks) -> tuple[str, str, str, str]:
    if one.failed:
        return "failed", "failed", _megabytes(one.peak_bytes), "failed"
    again = f"{one.again_ms:,.1f}" if one.again else "-"
    return f"{one.p50_ms:,.1f} / {one.max_ms:,.1f}", f"{one.cpu_ms:,.0f}", _megabytes(one.peak_bytes), again


def _imported(found: Imported | None) -> Iterator[str]:
    if found is None:
        return
    rows = [
        ("source", f"a dataset in the layout of the Open University's, {found.source}"),
        ("rows", f"{found.rows:,}, {found.events:,} of them events"),
        ("seconds, rollups included", f"{found.seconds:.1f}"),
        ("rows/s", f"{found.rate:,.0f}"),
        ("CPU µs a row", f"{found.cpu_seconds / max(found.rows, 1) * 1e6:.1f}"),
        ("peak memory, MB", _megabytes(found.peak_bytes)),
        ("rollups that differ from the events", found.differences),
    ]
    yield from table(("", ""), rows)


def _memory(results: Results) -> Iterator[str]:
    rows: list[tuple[str, str]] = []
    if results.sustained:
        one = results.sustained
        rows += [
            ("idle, an empty folder", _megabytes(one.idle_bytes)),
            (f"after {one.run.load.events:,} events in batches of 1,000", _megabytes(one.after_bytes)),
            ("at the most meanwhile", _megabytes(one.peak_bytes)),
        ]
    for term in results.terms:
        rows += [
            (f"idle, {_millions(term.events)} events", _megabytes(term.idle_bytes)),
            (f"at the most while asking, {_millions(term.events)} events", _megabytes(term.peak_bytes)),
        ]
    if rows:
        yield "Resident memory of the server, its code included. The duplicate filter is part of it: 3 bytes an id."
        yield ""
        yield from table(("", "MB"), rows)


def _disk(terms: list[Term]) -> Iterator[str]:
    if not terms:
        return
    yield "Bytes for each event: ids are random UUIDs (36 characters, which cannot be compressed below 16 bytes)."
    yield ""
    rows: list[list[object]] = []
    for name, shown in KEPT.items():
        found = [next((t for t in one.filled["tables"] if t["table"] == name), None) for one in terms]
        rows.append(
            [shown, *(f"{t['bytes'] / one.events:.1f}" if t else "-" for t, one in zip(found, terms, strict=True))]
        )
    whole = [sum(t["bytes"] for t in one.filled["tables"]) / one.events for one in terms]
    rows.append(["all", *(f"{each:.1f}" for each in whole)])
    yield from table(("", *(_millions(one.events) for one in terms)), rows)


def _starts(results: Results) -> Iterator[str]:
    if not results.starts:
        return
    yield f"A folder of {_millions(results.terms[-1].events)} events; `/health` answers 200 once it takes more of them."
    yield ""
    rows = [
        (
            {"clean": "a clean stop", "killed": "kill -9"}[one.stop],
            f"{one.healthy_seconds:.1f}", f"{one.first_batch_seconds * 1e3:,.0f}", f"{one.calm_seconds:.0f}",
            _megabytes(one.resident_bytes),
        )
        for one in results.starts
    ]  # fmt: skip
    names = ("after", "healthy after, s", "first batch of 1,000, ms", "at rest after, s", "resident then, MB")
    yield from table(names, rows)


def _millions(events: int) -> str:
    return f"{events // 1_000_000} million" if events % 1_000_000 == 0 else f"{events:,}"


def _megabytes(count: int | None) -> str:
    return "unknown" if not count else f"{count / 1e6:,.0f}"
