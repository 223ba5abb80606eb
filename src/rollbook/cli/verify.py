"""`rollbook verify`: whether every rollup equals the events it was made from."""

import typer

from rollbook.cli import output
from rollbook.cli.options import AsJson, Data, settings_of
from rollbook.cli.reach import reach


def verify(*, data: Data = None, as_json: AsJson = False) -> None:
    """Compare every rollup with the events themselves; exit code 1 if one differs."""
    with reach(settings_of(data)) as found:
        answer = found.post("/api/v2/verify")
    differences = answer["differences"]
    if as_json:
        output.show(answer, [], [], "json")
    elif differences:
        for one in differences:
            typer.echo(one, err=True)
    else:
        typer.echo("Every rollup equals the events.")
    if differences:
        raise typer.Exit(1)
