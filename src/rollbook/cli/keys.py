"""`rollbook key` and `rollbook token`: what machines and people show when they call."""

from typing import Annotated

import typer

from rollbook.cli import output
from rollbook.cli.options import Data, Tenant, settings_of
from rollbook.cli.reach import reach
from rollbook.governance.tokens import sign

PATH = "/api/v2/keys"
COLUMNS = ["id", "role", "name", "origins", "created", "expires", "revoked", "last_used"]

Id = Annotated[str, typer.Argument(help="Its id, the part between rbk_ and the next _.", metavar="ID")]

app = typer.Typer(help="Keys of machines: make them, look at them, rotate and revoke them.", no_args_is_help=True)


@app.command("create")
def create_key(
    *,
    role: Annotated[
        str, typer.Option("--role", metavar="ingest|read|admin", help="ingest: send; read: ask, export; admin: all.")
    ],
    tenant: Tenant = "default",
    name: Annotated[str, typer.Option("--name", help="What it is for.")] = "",
    expires_days: Annotated[
        int | None, typer.Option("--expires-days", min=1, help="Days until it expires.", show_default="never")
    ] = None,
    origin: Annotated[
        list[str] | None, typer.Option("--origin", help="Web pages that may use it: https://learn.example.edu")
    ] = None,
    data: Data = None,
) -> None:
    """Make a key and print it, alone. It is shown this once."""
    wanted = {"role": role, "name": name, "expires_days": expires_days, "origins": origin or []}
    with reach(settings_of(data)) as found:
        made = found.post(PATH, wanted, {"tenant_id": tenant})
    _print_once(made)


@app.command("list")
@output.in_a_form
def list_keys(
    *,
    data: Data = None,
    tenant: Tenant = "default",
    form: output.Format,
) -> None:
    """A tenant's keys, without their secrets."""
    with reach(settings_of(data)) as found:
        keys = found.get(PATH, {"tenant_id": tenant})["keys"]
    output.show_rows(keys, COLUMNS, form)


@app.command("rotate")
def rotate_key(
    key: Id,
    *,
    grace_hours: Annotated[
        int | None,
        typer.Option("--grace-hours", min=0, help="How long the old one stays good.", show_default="24"),
    ] = None,
    data: Data = None,
    tenant: Tenant = "default",
) -> None:
    """Give a key a new secret and print it, alone; the old one stays good for a while."""
    with reach(settings_of(data)) as found:
        made = found.post(f"{PATH}/{key}/rotate", {"grace_hours": grace_hours}, {"tenant_id": tenant})
    _print_once(made)


@app.command("revoke")
def revoke_key(key: Id, *, data: Data = None, tenant: Tenant = "default") -> None:
    """End a key at once."""
    with reach(settings_of(data)) as found:
        gone = found.delete(f"{PATH}/{key}", {"tenant_id": tenant})
    typer.echo(f"Key {gone['id']} is revoked.")


def token(
    *,
    user: Annotated[str, typer.Option("--user", help="Whose: their user id.")],
    role: Annotated[list[str], typer.Option("--role", help="A role; may be repeated.")],
    tenant: Tenant = "default",
    ttl: Annotated[int, typer.Option("--ttl", min=1, help="Seconds until it expires.")] = 3600,
    data: Data = None,
) -> None:
    """Print a token, alone: signed with JWT_SECRET_KEY, it says who someone is."""
    typer.echo(sign(settings_of(data), tenant, user, role, ttl_seconds=ttl))


def _print_once(made: dict[str, str]) -> None:
    typer.echo(f"Key {made['id']}; it is shown this once:", err=True)
    typer.echo(made["key"])
