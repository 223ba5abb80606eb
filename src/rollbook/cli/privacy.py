"""`rollbook privacy`: what people may ask for about themselves, asked for and looked after."""

import json
import time
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from rollbook.cli import output
from rollbook.cli.options import AsJson, Data, Tenant, settings_of
from rollbook.cli.reach import Reach, reach
from rollbook.errors import Invalid

PATH = "/api/v2/privacy/requests"
COLUMNS = ["request_id", "kind", "state", "asked_by", "received", "deadline", "waits_for", "why"]
SHOWN = [*COLUMNS, "begun", "ended", "package_until", "receipt"]
LOOK_EVERY_SECONDS = 0.2

Kind = Literal["access", "portability", "rectification", "erasure", "restriction", "objection"]
RequestId = Annotated[str, typer.Argument(metavar="REQUEST", help="Its id.")]
User = Annotated[str, typer.Option("--user", help="Whom it is about; any of their ids.")]

app = typer.Typer(help="People's rights: access, rectification, erasure, restriction, objection.", no_args_is_help=True)


@app.command("request")
def request(
    kind: Annotated[Kind, typer.Argument(help="What is asked for.")],
    *,
    user: User,
    more: Annotated[
        Path | None, typer.Option("--more", help="A JSON file with corrections, purposes or reasons; see the guide.")
    ] = None,
    lift: Annotated[bool, typer.Option("--lift", help="Lift a restriction.")] = False,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Wait until it is done.")] = True,
    data: Data = None,
    tenant: Tenant = "default",
    as_json: AsJson = False,
) -> None:
    """Ask for something about a person. Exits with 1 if it was refused or failed."""
    body = {"kind": kind, "user_id": user} | _read(more) | ({"on": False} if lift else {})
    with reach(settings_of(data)) as found:
        done = found.post(PATH, body, {"tenant_id": tenant})
        while wait and done["state"] in ("received", "running") and not done["waits_for"]:
            time.sleep(LOOK_EVERY_SECONDS)
            done = found.get(f"{PATH}/{done['request_id']}", {"tenant_id": tenant})
    output.show(done, [done], SHOWN, "json" if as_json else "table")
    if done["state"] in ("refused", "failed"):
        raise typer.Exit(1)


@app.command("list")
@output.in_a_form
def list_requests(
    *,
    state: Annotated[str | None, typer.Option("--state", help="received, running, done, refused or failed.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")] = 100,
    data: Data = None,
    tenant: Tenant = "default",
    form: output.Format,
) -> None:
    """The newest requests."""
    with reach(settings_of(data)) as found:
        rows = found.get(PATH, {"tenant_id": tenant, "state": state, "limit": limit})["requests"]
    output.show_rows(rows, COLUMNS, form)


@app.command("show")
def show(request: RequestId, *, data: Data = None, tenant: Tenant = "default", as_json: AsJson = False) -> None:
    """A request with its receipt."""
    with reach(settings_of(data)) as found:
        row = found.get(f"{PATH}/{request}", {"tenant_id": tenant})
    output.show(row, [row], SHOWN, "json" if as_json else "table")


@app.command("download")
def download(
    request: RequestId,
    to: Annotated[Path, typer.Argument(help="Where to write the zip.")],
    *,
    data: Data = None,
    tenant: Tenant = "default",
) -> None:
    """The package of an access request."""
    with reach(settings_of(data)) as found:
        content = found.download(f"{PATH}/{request}/package", {"tenant_id": tenant})
    to.write_bytes(content)
    typer.echo(f"{to}: {len(content):,} bytes")


@app.command("cancel")
def cancel(request: RequestId, *, data: Data = None, tenant: Tenant = "default") -> None:
    """Take a request back that was not begun."""
    with reach(settings_of(data)) as found:
        _tell(found, request, "cancel", tenant)


@app.command("accept")
def accept(request: RequestId, *, data: Data = None, tenant: Tenant = "default") -> None:
    """Let a request that waits be carried out."""
    with reach(settings_of(data)) as found:
        _tell(found, request, "accept", tenant)


@app.command("refuse")
def refuse(
    request: RequestId,
    *,
    why: Annotated[str, typer.Option("--why", help="What the person is told.")],
    data: Data = None,
    tenant: Tenant = "default",
) -> None:
    """Refuse a request that was not begun."""
    with reach(settings_of(data)) as found:
        _tell(found, request, "refuse", tenant, {"why": why})


@app.command("retry")
def retry(request: RequestId, *, data: Data = None, tenant: Tenant = "default") -> None:
    """Go on with a request that failed."""
    with reach(settings_of(data)) as found:
        _tell(found, request, "retry", tenant)


@app.command("readmit")
def readmit(*, user: User, data: Data = None, tenant: Tenant = "default") -> None:
    """Take events of somebody who was erased again, from now on."""
    with reach(settings_of(data)) as found:
        done = found.post("/api/v2/privacy/readmissions", {"user_id": user}, {"tenant_id": tenant})
    typer.echo(f"{done['lifted']} ids are taken again")


def _tell(found: Reach, request: str, what: str, tenant: str, body: Any = None) -> None:
    row = found.post(f"{PATH}/{request}/{what}", body, {"tenant_id": tenant})
    typer.echo(f"{row['request_id']}: {row['state']}")


def _read(path: Path | None) -> dict[str, Any]:
    if path is None:
        return {}
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise Invalid(f"{path} cannot be read as JSON: {error}") from error
    if not isinstance(found, dict):
        raise Invalid(f"{path} must hold a JSON object, as the body of a request")
    return found
