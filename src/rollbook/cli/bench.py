"""`rollbook bench`: measure Rollbook on this machine, and write what came of it."""

from pathlib import Path
from typing import Annotated

import typer

from rollbook.bench.plan import PARTS, planned
from rollbook.bench.results.report import report
from rollbook.bench.run import run
from rollbook.errors import Invalid


def bench(
    *,
    quick: Annotated[bool, typer.Option("--quick", help="A few minutes: one million events only.")] = False,
    out: Annotated[Path | None, typer.Option(help="The file to write the report to; default: print it.")] = None,
    part: Annotated[list[str] | None, typer.Option(help=f"Only this part, of {', '.join(PARTS)}.")] = None,
    events: Annotated[int | None, typer.Option(min=1000, help="How many events the questions are asked at.")] = None,
    seconds: Annotated[int | None, typer.Option(min=1, max=600, help="Of each run of load.")] = None,
    rounds: Annotated[int | None, typer.Option(min=1, max=100, help="Runs of each kind of load.")] = None,
    oulad: Annotated[Path | None, typer.Option(help="A copy of the dataset to import, instead of one made up.")] = None,
    within: Annotated[
        Path | None, typer.Option(help="Make the data in this folder; default: temporary files'.")
    ] = None,
) -> None:
    """Measure ingest, questions, import, memory and disk beside what they should be. Slow figures are no failure."""
    if unknown := set(part or ()) - set(PARTS):
        raise Invalid(f"no part {', '.join(sorted(unknown))}; there are: {', '.join(PARTS)}")
    for place in (oulad, within, out and out.parent):
        if place is not None and not place.exists():
            raise Invalid(f"there is no {place}")
    plan = planned(quick=quick, parts=tuple(part or PARTS), events=events, seconds=seconds, rounds=rounds, oulad=oulad)
    text = report(run(plan, within, lambda what: typer.echo(what, err=True)))
    if out is None:
        typer.echo(text, nl=False)
    else:
        out.write_text(text)
        typer.echo(f"Written to {out}", err=True)
