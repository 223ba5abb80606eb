"""`rollbook audit`: who did what, whether the trail is whole, and its signed heads."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from rollbook.cli import output
from rollbook.cli.options import AsCsv, AsJson, Data, Tenant, settings_of
from rollbook.cli.reach import Reach, reach
from rollbook.errors import Invalid
from rollbook.governance.audit.checking import newest

PATH = "/api/v2/audit"
COLUMNS = ["at", "action", "what", "actor", "credential", "person", "address", "why", "detail", "chain", "number"]
HEADS = ["tenant", "chain", "number", "at", "hash", "key", "signature"]
COUNTS = ["day", "action", "actor", "credential", "lines"]

Begin = Annotated[str | None, typer.Option("--from", help="Not before this moment (ISO 8601 with a zone).")]
Until = Annotated[str | None, typer.Option("--to", help="Not after this moment.")]
Limit = Annotated[int, typer.Option(min=1, max=10_000, help="At most so many.")]
Everyone = Annotated[str | None, typer.Option("--tenant", help="Of this tenant only.", show_default="all")]

app = typer.Typer(help="Who did what, to whose data: look at it, and check that it is whole.", no_args_is_help=True)


@app.command("list")
@output.in_a_form
def list_lines(
    *,
    person: Annotated[str | None, typer.Option(help="Whose data.")] = None,
    actor: Annotated[str | None, typer.Option(help="Who: a user, key:…, local.")] = None,
    action: Annotated[str | None, typer.Option(help="read, export, change, refused, …")] = None,
    begin: Begin = None,
    until: Until = None,
    limit: Limit = 100,
    data: Data = None,
    tenant: Tenant = "default",
    form: output.Format,
) -> None:
    """The newest lines."""
    wanted = {"person": person, "actor": actor, "action": action, "from": begin, "to": until, "limit": limit}
    with reach(settings_of(data)) as found:
        lines = found.get(PATH, wanted | {"tenant_id": tenant})["lines"]
    output.show_rows(lines, COLUMNS, form)


@app.command("disclosures")
@output.in_a_form
def disclosures(
    user: Annotated[str, typer.Argument(help="Whose data.")],
    *,
    begin: Begin = None,
    until: Until = None,
    limit: Limit = 1_000,
    data: Data = None,
    tenant: Tenant = "default",
    form: output.Format,
) -> None:
    """Who but themselves saw a learner's data (FERPA's record of disclosures)."""
    wanted = {"from": begin, "to": until, "limit": limit, "tenant_id": tenant}
    with reach(settings_of(data)) as found:
        rows = found.get(f"{PATH}/disclosures/{user}", wanted)["disclosures"]
    output.show_rows(rows, [*COLUMNS, "named"], form)


@app.command("summary")
@output.in_a_form
def summary(
    *,
    begin: Begin = None,
    until: Until = None,
    limit: Limit = 1_000,
    data: Data = None,
    tenant: Tenant = "default",
    form: output.Format,
) -> None:
    """Lines by day, action and actor; as JSON also who was refused what."""
    wanted = {"from": begin, "to": until, "limit": limit, "tenant_id": tenant}
    with reach(settings_of(data)) as found:
        answer = found.get(f"{PATH}/summary", wanted)
    output.show(answer, answer["counts"], COUNTS, form)


@app.command("heads")
def heads(*, data: Data = None, tenant: Everyone = None, as_json: AsJson = False, as_csv: AsCsv = False) -> None:
    """Sign the ends of the chains, and print them: kept elsewhere, they show later whether lines were cut off."""
    form = output.chosen(as_json=as_json, as_csv=as_csv)
    with reach(settings_of(data)) as found:
        answer = found.get(f"{PATH}/heads", {"tenant_id": tenant})
    caption = f"Ed25519 key {answer['key']}: {answer['public_key']}"
    output.show(answer, answer["heads"], HEADS, form, caption=caption)


@app.command("verify")
def verify(
    *,
    file: Annotated[
        Path | None,
        typer.Option("--heads", help="Signed heads kept elsewhere, one JSON object a line.", dir_okay=False),
    ] = None,
    data: Data = None,
    tenant: Everyone = None,
    as_json: AsJson = False,
) -> None:
    """Check that no line is missing, altered or moved; exit code 1 and the first bad line otherwise."""
    kept = read_heads(file) if file else []
    with reach(settings_of(data)) as found:
        answer = _checked(found, tenant, kept, quiet=as_json)
    bad = answer["bad"]
    if as_json:
        output.show(answer, [], [], "json")
    elif bad:
        typer.echo(f"tenant {bad['tenant']}, chain {bad['chain']}, line {bad['number']}: {bad['wrong']}", err=True)
    else:
        typer.echo(f"{answer['lines']} lines in {answer['chains']} chains are as they were written.")
    if bad:
        raise typer.Exit(1)


def read_heads(file: Path) -> list[dict[str, Any]]:
    """The newest head of each chain in a file. Raises Invalid, naming the line."""
    try:
        lines = file.read_text("utf-8").splitlines()
    except (OSError, UnicodeError) as error:
        raise Invalid(f"{file} cannot be read: {error}") from error
    return newest(_head(f"{file}, line {number}", line) for number, line in enumerate(lines, 1) if line.strip())


def _head(place: str, line: str) -> dict[str, Any]:
    try:
        head = json.loads(line)
        return {name: head[name] for name in HEADS}
    except (ValueError, KeyError, TypeError) as error:
        raise Invalid(f"{place}: not a signed head; `rollbook audit heads --json` shows what one is") from error


def _checked(found: Reach, tenant: str | None, heads: list[dict[str, Any]], *, quiet: bool) -> dict[str, Any]:
    """Check to the end, some lines at a time."""
    lines = chains = 0
    after = None
    while True:
        answer: dict[str, Any] = found.post(f"{PATH}/verify", {"heads": heads, "after": after}, {"tenant_id": tenant})
        lines, chains = lines + answer["lines"], chains + answer["chains"]
        after = answer["next"]
        if after is None or answer["bad"]:
            return {"lines": lines, "chains": chains, "bad": answer["bad"]}
        if not quiet:
            typer.echo(f"{lines} lines checked …", err=True)
