"""`rollbook dead-letters`: what could not be taken in; looked at, counted, and taken in again."""

from typing import Annotated, Any

import typer

from rollbook.cli import output
from rollbook.cli.options import AsJson, Data, Tenant, settings_of
from rollbook.cli.reach import Reach, reach
from rollbook.errors import Invalid

PATH = "/api/v2/dead-letters"
COLUMNS = ["id", "received", "dialect", "stage", "reason", "detail", "index", "bytes", "replayed"]
COUNTS = ["reason", "stage", "dialect", "letters", "replayed", "newest"]

Reason = Annotated[str | None, typer.Option("--reason", help="Only those refused for this reason.")]

app = typer.Typer(help="What could not be taken in: look at it, and take it in again.", no_args_is_help=True)


@app.command("list")
@output.in_a_form
def list_letters(
    *,
    reason: Reason = None,
    replayed: Annotated[
        bool | None, typer.Option("--replayed/--open", help="Only replayed ones, or only others.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")] = 100,
    data: Data = None,
    tenant: Tenant = "default",
    form: output.Format,
) -> None:
    """The newest dead letters."""
    wanted = {"tenant_id": tenant, "reason": reason, "replayed": replayed, "limit": limit}
    with reach(settings_of(data)) as found:
        letters = found.get(PATH, wanted)["dead_letters"]
    columns = [*COLUMNS, "encoding", "body"] if form == "csv" else COLUMNS
    output.show_rows(letters, columns, form, caption=_more(letters, limit))


@app.command("count")
@output.in_a_form
def count_letters(
    *,
    data: Data = None,
    tenant: Tenant = "default",
    form: output.Format,
) -> None:
    """How many there are, by reason."""
    with reach(settings_of(data)) as found:
        counts = found.get(f"{PATH}/counts", {"tenant_id": tenant})["counts"]
    output.show_rows(counts, COUNTS, form)


@app.command("show")
def show_letter(
    letter: Annotated[str, typer.Argument(help="Its id.")],
    *,
    data: Data = None,
    tenant: Tenant = "default",
    as_json: AsJson = False,
) -> None:
    """One dead letter with its original text."""
    with reach(settings_of(data)) as found:
        row = found.get(f"{PATH}/{letter}", {"tenant_id": tenant})
    output.show(row, [row], [*COLUMNS, "encoding", "body"], "json" if as_json else "table")


@app.command("replay")
def replay_letters(
    letters: Annotated[list[str] | None, typer.Argument(help="Ids; none: all that were not replayed yet.")] = None,
    *,
    reason: Reason = None,
    data: Data = None,
    tenant: Tenant = "default",
    as_json: AsJson = False,
) -> None:
    """Take dead letters in again, once what was wrong is mended; replaying twice counts once."""
    if letters and reason:
        raise Invalid("name letters by id or by --reason, not both")
    with reach(settings_of(data)) as found:
        done = _replayed(found, tenant, letters, reason)
    if as_json:
        output.show(done, [], [], "json")
    else:
        failed = len(done["failed"])
        typer.echo(f"{done['replayed']} taken in, {done['duplicates']} were there already, {failed} failed")
        for one in done["failed"]:
            typer.echo(f"  {one['id']}: {one['detail']}", err=True)
    if done["failed"]:
        raise typer.Exit(1)


def _replayed(found: Reach, tenant: str, letters: list[str] | None, reason: str | None) -> dict[str, Any]:
    answer: dict[str, Any] = found.post(f"{PATH}/replay", {"ids": letters, "reason": reason}, {"tenant_id": tenant})
    return answer


def _more(letters: list[dict[str, Any]], limit: int) -> str | None:
    return f"the newest {limit}; --limit shows more" if len(letters) == limit else None
