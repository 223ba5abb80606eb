"""`rollbook tenant`: make tenants, look at them, change what is set for them."""

import json
import time
from typing import Annotated, Any

import typer

from rollbook.cli import output
from rollbook.cli.options import AsJson, Data, settings_of
from rollbook.cli.reach import reach
from rollbook.errors import Invalid, Unavailable

PATH = "/api/v2/tenants"
COLUMNS = ["id", "name", "timezone", "created"]
POLL_SECONDS = 0.2

Id = Annotated[str, typer.Argument(help="Its id.", metavar="ID")]

app = typer.Typer(help="Whose data it is: make tenants and change what is set for them.", no_args_is_help=True)


@app.command("create")
def create_tenant(
    tenant: Id,
    *,
    plain_ids: Annotated[bool, typer.Option("--plain-ids", help="Keep user ids as they are given.")] = False,
    name: Annotated[str, typer.Option("--name", help="What people call it.")] = "",
    timezone: Annotated[str | None, typer.Option("--timezone", help="Zone of its days, as Europe/London.")] = None,
    data: Data = None,
) -> None:
    """Make a tenant and print its id. User ids become pseudonyms, unless --plain-ids."""
    wanted = {"id": tenant, "name": name, "timezone": timezone, "settings": {"pseudonyms": not plain_ids}}
    with reach(settings_of(data)) as found:
        typer.echo(found.post(PATH, wanted)["id"])


@app.command("list")
@output.in_a_form
def list_tenants(*, data: Data = None, form: output.Format) -> None:
    """All tenants."""
    with reach(settings_of(data)) as found:
        tenants = found.get(PATH)["tenants"]
    output.show_rows(tenants, COLUMNS, form)


@app.command("show")
def show_tenant(tenant: Id, *, data: Data = None, as_json: AsJson = False) -> None:
    """One tenant with all its settings."""
    with reach(settings_of(data)) as found:
        answer = found.get(f"{PATH}/{tenant}")
    _show(answer, as_json)


@app.command("set")
def set_tenant(
    tenant: Id,
    changes: Annotated[list[str], typer.Argument(help="What to change: smallest_cell=7, name=North, event_days=null.")],
    *,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Change the name, the timezone or settings; `null` takes one back to its default."""
    with reach(settings_of(data)) as found:
        answer = found.patch(f"{PATH}/{tenant}", _wanted(changes))
    _show(answer, as_json)


@app.command("unlink")
def unlink_tenant(
    tenant: Id,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do it: nothing brings the link back.")] = False,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Destroy what leads from a tenant's pseudonyms to people: keys, directory and dead letters."""
    if not yes:
        raise Invalid(f"this destroys the keys, the directory and the dead letters of {tenant}; say --yes to do it")
    with reach(settings_of(data)) as found:
        answer = found.post(f"{PATH}/{tenant}/unlink")
    output.show(answer, [answer], list(answer), "json" if as_json else "table")


@app.command("rotate")
def rotate_key(tenant: Id, *, data: Data = None, as_json: AsJson = False) -> None:
    """Change the key of a tenant's pseudonyms, and rewrite all that is stored; goes on with one that was stopped."""
    with reach(settings_of(data)) as found:
        running = found.post(f"{PATH}/{tenant}/rotate")
        while running["state"] == "running":
            time.sleep(POLL_SECONDS)
            running = found.get(f"{PATH}/{tenant}/rotate")
    if running["state"] == "failed":
        raise Unavailable(running["detail"])
    columns = ["tenant", "version", "rows"]
    output.show(running, [{name: running[name] for name in columns}], columns, "json" if as_json else "table")


def _wanted(changes: list[str]) -> dict[str, Any]:
    wanted: dict[str, Any] = {"settings": {}}
    for change in changes:
        key, equals, value = change.partition("=")
        if not (key and equals):
            raise Invalid(f"{change!r}: write it as key=value, for instance smallest_cell=7")
        if key == "name":
            wanted[key] = value
        elif key == "timezone":
            wanted[key] = None if value in ("", "null") else value
        else:
            wanted["settings"][key] = _value(value)
    return wanted


def _value(text: str) -> Any:
    """JSON, or the text itself where it is none."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _show(answer: dict[str, Any], as_json: bool) -> None:
    row = {name: answer[name] for name in COLUMNS} | answer["settings"]
    output.show(answer, [row], list(row), "json" if as_json else "table")
