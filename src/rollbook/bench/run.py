"""A run: all parts of the plan one after the other, each in its own folder, which is removed when it is done."""

import shutil
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

from rollbook.bench import bodies, ingest, live, machine, questions, university
from rollbook.bench.load import generator, send
from rollbook.bench.plan import PARTS, Plan
from rollbook.bench.processes import serving
from rollbook.bench.results import Results

Tell = Callable[[str], None]

BESIDE_BATCH = 100
BESIDE_SECONDS = 30


def run(plan: Plan, within: Path | None, tell: Tell) -> Results:
    """Measure. `within`: the folder to make the data's folder in (default: the system's for temporary files).

    `tell` hears what is being done. Raises Unavailable where a server cannot be started or ends.
    """
    with tempfile.TemporaryDirectory(prefix="rollbook-bench-", dir=within) as name:
        folder = Path(name)
        results = Results(plan, machine.described(folder), generator(), machine.load_average())
        for part in PARTS:
            if part in plan.parts:
                place = folder / part
                place.mkdir()
                STEPS[part](plan, place, results, tell)
                shutil.rmtree(place)
        results.load_after = machine.load_average()
    return results


def _ingest(plan: Plan, folder: Path, results: Results, tell: Tell) -> None:
    for batch in ingest.CONNECTIONS:
        tell(f"ingest in batches of {batch:,}: {plan.rounds} rounds, bare and Rollbook")
        results.rounds.append(ingest.rounds(plan, folder, batch))
    tell(f"what access, audit and pseudonyms cost: {plan.rounds} rounds")
    results.guarded = ingest.guards(plan, folder)
    tell(f"ingest without a pause for {plan.sustained_seconds} s")
    results.sustained = ingest.sustained(plan, folder)


def _visible(plan: Plan, folder: Path, results: Results, tell: Tell) -> None:
    tell(f"from acknowledged to visible: {plan.visible_posts} events, alone and beside other senders")
    told = bodies.write(folder / "bodies", BESIDE_BATCH)
    with serving(folder / "visible") as server:
        ingest.visible(server, plan.visible_posts // 5, "warm")
        results.visible["alone"] = ingest.visible(server, plan.visible_posts, "alone")
        connections = ingest.CONNECTIONS[BESIDE_BATCH]
        seconds = min(BESIDE_SECONDS, plan.seconds * 2)
        senders = threading.Thread(
            target=send,
            args=(server, told),
            kwargs={"batch": BESIDE_BATCH, "connections": connections, "seconds": seconds, "first": 0},
        )
        senders.start()
        found = ingest.Visibility()
        while senders.is_alive() and len(found.posted) < plan.visible_posts:
            ingest.look(server, found, f"beside-{len(found.posted)}")
        senders.join()
        results.visible[f"beside {connections} senders of batches of {BESIDE_BATCH}"] = found


def _live(plan: Plan, folder: Path, results: Results, tell: Tell) -> None:
    tell(f"{plan.watchers:,} live connections to one process, {plan.watched_posts} events")
    with serving(folder / "live") as server:
        for what in live.WATCHED:
            results.live[what] = live.watching(server, what, plan.watchers, plan.watched_posts)


def _questions(plan: Plan, folder: Path, results: Results, tell: Tell) -> None:
    for size in plan.sizes:
        place = folder / f"{size}"
        tell(f"questions over {size:,} events")
        results.terms.append(questions.term(plan, place, size))
        if size == plan.sizes[-1]:
            tell(f"start with {size:,} events")
            results.starts = questions.starts(plan, place)
        shutil.rmtree(place)


def _import(plan: Plan, folder: Path, results: Results, tell: Tell) -> None:
    tell(f"import of {plan.oulad or f'{plan.clicks:,} clicks'}")
    results.imported = university.imported(plan, folder)


STEPS: dict[str, Callable[[Plan, Path, Results, Tell], None]] = {
    "ingest": _ingest,
    "visible": _visible,
    "live": _live,
    "questions": _questions,
    "import": _import,
}
