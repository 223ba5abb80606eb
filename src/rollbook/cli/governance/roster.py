"""`rollbook roster`: take a school's roster in, and look at it."""

from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import quote

import typer

from rollbook.cli import output
from rollbook.cli.imports import follow
from rollbook.cli.options import AsJson, Data, Tenant, settings_of
from rollbook.cli.reach import reach
from rollbook.errors import Invalid

COLUMNS = ["user_id", "role", "from", "to", "now", "source"]

app = typer.Typer(help="Who is in which course: take a roster in, look at it.", no_args_is_help=True)


@app.command("import")
def import_roster(
    path: Annotated[Path, typer.Argument(help="A OneRoster 1.1 or 1.2 package: a zip, or a folder of its CSV files.")],
    *,
    user_id: Annotated[
        Literal["sourcedId", "username", "identifier", "email"],
        typer.Option("--user-id", help="Which column of users.csv is the user id of events."),
    ] = "sourcedId",
    data: Data = None,
    tenant: Tenant = "default",
    as_json: AsJson = False,
) -> None:
    """Take a OneRoster package in; may be repeated at any time. Exits with 1 if lines were refused."""
    if not path.exists():
        raise Invalid(f"there is no {path}")
    wanted = {"kind": "oneroster", "path": str(path.resolve()), "mapping": {"user_id": user_id}}
    with reach(settings_of(data)) as found:
        done = follow(found, wanted, tenant)
    summary = done["summary"]
    if as_json:
        output.show(summary, [], [], "json")
    else:
        typer.echo(f"{path}: {done['detail']}")
        for one in summary["lines"]:
            typer.echo(f"  {one['file']} line {one['line']}: {one['reason']}", err=True)
        if summary["refused"] > len(summary["lines"]):
            typer.echo(f"  and {summary['refused'] - len(summary['lines'])} more", err=True)
    if summary["refused"]:
        raise typer.Exit(1)


@app.command("course")
@output.in_a_form
def show_course(
    course: Annotated[str, typer.Argument(help="Its id.")],
    *,
    now: Annotated[bool, typer.Option("--now", help="Only who is there today.")] = False,
    data: Data = None,
    tenant: Tenant = "default",
    form: output.Format,
) -> None:
    """Who is in a course."""
    wanted = {"tenant_id": tenant, "now": now, "limit": 10_000}
    with reach(settings_of(data)) as found:
        answer = found.get(f"/api/v2/roster/courses/{quote(course)}", wanted)
    output.show(answer, answer["members"], COLUMNS, form)
