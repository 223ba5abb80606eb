"""Results: all that one run has measured."""

from dataclasses import dataclass, field

from rollbook.bench.ingest import Rounds, Sustained, Visibility
from rollbook.bench.live import Watching
from rollbook.bench.plan import Plan
from rollbook.bench.questions import Start, Term
from rollbook.bench.university import Imported


@dataclass(slots=True)
class Results:
    """What was not measured is empty."""

    plan: Plan
    machine: list[tuple[str, str]]
    generator: str
    load_before: str
    load_after: str = ""
    rounds: list[Rounds] = field(default_factory=list)
    guarded: Rounds | None = None
    sustained: Sustained | None = None
    visible: dict[str, Visibility] = field(default_factory=dict)
    live: dict[str, Watching] = field(default_factory=dict)
    terms: list[Term] = field(default_factory=list)
    starts: list[Start] = field(default_factory=list)
    imported: Imported | None = None
