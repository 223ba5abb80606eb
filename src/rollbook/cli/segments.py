"""`rollbook segment`: people chosen by what they did, kept under a name."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer

from rollbook.cli import output
from rollbook.cli.options import AsJson, Data, Tenant, settings_of
from rollbook.cli.reach import reach
from rollbook.errors import Invalid

PATH = "/api/v2/segments"
COLUMNS = ["id", "title", "condition", "made_by", "changed"]

Id = Annotated[str, typer.Argument(help="Its name: small letters, digits, - and _.", metavar="NAME")]

app = typer.Typer(help="People chosen by what they did, to ask about.", no_args_is_help=True)


@app.command("put")
def put_segment(
    name: Id,
    condition: Annotated[str, typer.Argument(help="As JSON, or @FILE, or - for stdin.", metavar="CONDITION")],
    *,
    title: Annotated[str, typer.Option("--title", help="What it is called where people read it.")] = "",
    data: Data = None,
    tenant: Tenant = "default",
) -> None:
    """Keep a segment: `rollbook segment put keen '{"did": {"type": "quiz_completion", "at_least": 3}}'`."""
    wanted = {"title": title, "condition": _read(condition)}
    with reach(settings_of(data)) as found:
        found.put(f"{PATH}/{quote(name, safe='')}", wanted, {"tenant_id": tenant})
        counted = found.get(f"{PATH}/{quote(name, safe='')}", {"tenant_id": tenant})
    typer.echo(f"Segment {name} is kept; {counted['people']:,} people are in it now.")


@app.command("list")
@output.in_a_form
def list_segments(
    *,
    data: Data = None,
    tenant: Tenant = "default",
    form: output.Format,
) -> None:
    """The segments of a tenant."""
    with reach(settings_of(data)) as found:
        answer = found.get(PATH, {"tenant_id": tenant})
    rows = [row | {"condition": json.dumps(row["condition"])} for row in answer["segments"]]
    output.show(answer["segments"], rows, COLUMNS, form)


@app.command("show")
def show_segment(name: Id, *, data: Data = None, tenant: Tenant = "default", as_json: AsJson = False) -> None:
    """One segment, and how many people are in it now."""
    with reach(settings_of(data)) as found:
        answer = found.get(f"{PATH}/{quote(name, safe='')}", {"tenant_id": tenant})
    if as_json:
        typer.echo(json.dumps(answer))
        return
    typer.echo(f"{answer['segment']['title'] or name}: {answer['people']:,} people as of {answer['as_of']}")
    typer.echo(json.dumps(answer["segment"]["condition"], indent=2))


@app.command("delete")
def delete_segment(name: Id, *, data: Data = None, tenant: Tenant = "default") -> None:
    """Forget a segment."""
    with reach(settings_of(data)) as found:
        found.delete(f"{PATH}/{quote(name, safe='')}", {"tenant_id": tenant})
    typer.echo(f"Segment {name} is deleted.")


def _read(condition: str) -> Any:
    try:
        if condition.startswith("@"):
            condition = Path(condition[1:]).read_text("utf-8")
        return json.loads(sys.stdin.read() if condition == "-" else condition)
    except OSError as error:
        raise Invalid(f"condition {condition}: {error.strerror}") from error
    except ValueError as error:
        raise Invalid(f'the condition is not JSON ({error}); it looks like {{"in_course": "maths"}}') from error
