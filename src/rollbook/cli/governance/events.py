"""`rollbook events`: say what events look like, and see what comes in that nobody has said."""

import json
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer

from rollbook.cli import output
from rollbook.cli.options import Data, Tenant, settings_of
from rollbook.cli.reach import reach
from rollbook.errors import Invalid

PATH = "/api/v2/event-definitions"
COLUMNS = ["event_type", "description", "changed"]
UNKNOWN = ["event_type", "property", "events", "share", "kinds", "last"]

Type = Annotated[str, typer.Argument(help="The event type.", metavar="TYPE")]

app = typer.Typer(help="Define event types, and see what comes in that no definition names.", no_args_is_help=True)


@app.command("define")
def define_event(
    event_type: Type,
    schema: Annotated[Path, typer.Argument(help="A file with the JSON Schema of its properties.")],
    *,
    description: Annotated[str, typer.Option("--description", help="What such an event means.")] = "",
    data: Data = None,
    tenant: Tenant = "default",
) -> None:
    """Define an event type, or change its definition; in force at once."""
    wanted = {"schema": _schema(schema), "description": description}
    with reach(settings_of(data)) as found:
        typer.echo(found.put(_path(event_type), wanted, {"tenant_id": tenant})["event_type"])


@app.command("list")
@output.in_a_form
def list_events(
    *,
    data: Data = None,
    tenant: Tenant = "default",
    form: output.Format,
) -> None:
    """All definitions."""
    with reach(settings_of(data)) as found:
        answer = found.get(PATH, {"tenant_id": tenant})
    output.show(answer, answer["definitions"], COLUMNS, form, caption=f"event_checks: {answer['event_checks']}")


@app.command("show")
def show_event(event_type: Type, *, data: Data = None, tenant: Tenant = "default") -> None:
    """One definition with its schema, as JSON."""
    with reach(settings_of(data)) as found:
        answer = found.get(_path(event_type), {"tenant_id": tenant})
    output.show(answer, [], [], "json")


@app.command("remove")
def remove_event(event_type: Type, *, data: Data = None, tenant: Tenant = "default") -> None:
    """Remove a definition."""
    with reach(settings_of(data)) as found:
        found.delete(_path(event_type), {"tenant_id": tenant})
    typer.echo(f"{event_type} is no longer defined")


@app.command("unknown")
@output.in_a_form
def unknown_events(
    *,
    days: Annotated[int, typer.Option(min=1, max=31, help="Of the last N x 24 hours.")] = 7,
    data: Data = None,
    tenant: Tenant = "default",
    form: output.Format,
) -> None:
    """Types without a definition, and properties that the definition of their type does not name."""
    with reach(settings_of(data)) as found:
        answer = found.get("/api/v2/undefined-events", {"tenant_id": tenant, "days": days})
    output.show(answer, [*answer["types"], *answer["properties"]], UNKNOWN, form)


def _path(event_type: str) -> str:
    return f"{PATH}/{quote(event_type, safe='')}"


def _schema(path: Path) -> dict[str, Any]:
    try:
        schema = json.loads(path.read_bytes())
    except OSError as error:
        raise Invalid(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise Invalid(f"{path} is not JSON: {error}") from error
    if not isinstance(schema, dict):
        raise Invalid(f"{path} is not a JSON object; a JSON Schema begins with {{")
    return schema
