"""`rollbook lifecycle`, `archive`, `hold` and `compliance`: what goes when, what comes back, what is kept."""

import sys
import time
from datetime import datetime
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from rollbook.cli import output
from rollbook.cli.options import AsJson, Data, Tenant, settings_of
from rollbook.cli.reach import BY_STATUS, Reach, reach
from rollbook.errors import RollbookError

API = "/api/v2"
RESTORES = f"{API}/archives/restores"
POLL_SECONDS = 0.2
GONE = ["tenant", "events", "days", "rollup_days", "archives", "held_days", "anonymised_days"]
ARCHIVES = ["id", "state", "first", "last", "rows", "bytes", "restored_days", "place"]
HOLDS = ["id", "user_id", "why", "placed_by", "placed", "lifted"]

lifecycle = typer.Typer(help="What is old enough goes: raw events into archives, then rollups and archives.")
archive = typer.Typer(help="Archived events: look at them, and bring them back.", no_args_is_help=True)
hold = typer.Typer(help="Legal holds: what neither expires nor is erased.", no_args_is_help=True)
compliance = typer.Typer(help="What is held, how old, on what basis, and who looked.")


@lifecycle.callback()
def about() -> None:
    """What is old enough goes: raw events into archives, then rollups and archives."""


@compliance.callback()
def what_is_held() -> None:
    """What is held, how old, on what basis, and who looked."""


@lifecycle.command("run")
def run(
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    tenant: Annotated[str | None, typer.Option("--tenant", help="One tenant; default: all.")] = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Let go what is due, now rather than within the hour; exit code 1 if that failed for a tenant."""
    with reach(settings_of(data)) as found:
        gone = found.post(f"{API}/lifecycle/run", {"dry_run": dry_run, "only": tenant})["gone"]
    rows = [row | {name: len(row[name]) for name in GONE[2:]} for row in gone]
    output.show(gone, rows, GONE, "json" if as_json else "table", caption="nothing was changed" if dry_run else None)
    failed = [row for row in gone if row["failed"]]
    for row in failed:
        typer.echo(f"{row['tenant']}: {row['failed']}", err=True)
    if failed:
        raise typer.Exit(1)


@archive.command("list")
@output.in_a_form
def list_archives(
    *,
    data: Data = None,
    tenant: Tenant = "default",
    form: output.Format,
) -> None:
    """A tenant's archives."""
    with reach(settings_of(data)) as found:
        rows = found.get(f"{API}/archives", {"tenant_id": tenant})["archives"]
    output.show_rows(rows, ARCHIVES, form)


@archive.command("restore")
def restore(
    *,
    begin: Annotated[datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="First day.")] = None,
    until: Annotated[datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="Last day, included.")] = None,
    into: Annotated[str | None, typer.Option("--into", help="Copy into this tenant instead.")] = None,
    data: Data = None,
    tenant: Tenant = "default",
) -> None:
    """Bring archived events back, each counted once; what stops goes on when run again."""
    wanted = {"from": begin and f"{begin:%Y-%m-%d}", "to": until and f"{until:%Y-%m-%d}", "into": into}
    with reach(settings_of(data)) as found:
        done = _followed(found, found.post(f"{API}/archives/restore", wanted, {"tenant_id": tenant}), tenant)
    if done["state"] == "failed":
        raise BY_STATUS.get(done["status"], RollbookError)(done["detail"])
    typer.echo(done["detail"])


@hold.command("add")
def add_hold(
    *,
    why: Annotated[str, typer.Option("--why", help="The case or inquiry.")],
    user: Annotated[str, typer.Option("--user", help="One person; default: all of the tenant.")] = "",
    data: Data = None,
    tenant: Tenant = "default",
) -> None:
    """Hold data, and print the hold's id."""
    with reach(settings_of(data)) as found:
        typer.echo(found.post(f"{API}/holds", {"user_id": user, "why": why}, {"tenant_id": tenant})["id"])


@hold.command("remove")
def remove_hold(
    which: Annotated[str, typer.Argument(help="Its id.", metavar="ID")],
    *,
    data: Data = None,
    tenant: Tenant = "default",
) -> None:
    """Lift a hold."""
    with reach(settings_of(data)) as found:
        found.post(f"{API}/holds/{which}/lift", None, {"tenant_id": tenant})
    typer.echo(f"{which} is lifted")


@hold.command("list")
def list_holds(
    *,
    lifted: Annotated[bool, typer.Option("--lifted", help="Those too that stand no more.")] = False,
    data: Data = None,
    tenant: Tenant = "default",
    as_json: AsJson = False,
) -> None:
    """What is held, and why."""
    with reach(settings_of(data)) as found:
        rows = found.get(f"{API}/holds", {"tenant_id": tenant, "lifted": lifted})["holds"]
    output.show_rows(rows, HOLDS, "json" if as_json else "table")


@compliance.command("report")
def report(*, data: Data = None, tenant: Tenant = "default", as_json: AsJson = False) -> None:
    """What is held of a tenant, as Markdown; it names nobody."""
    with reach(settings_of(data)) as found:
        wanted = {"tenant_id": tenant}
        if as_json:
            output.show(found.get(f"{API}/compliance", wanted), [], [], "json")
        else:
            text = found.download(f"{API}/compliance", wanted | {"format": "markdown"})
            typer.echo(text.decode(), nl=False)


def _followed(found: Reach, running: dict[str, Any], tenant: str) -> dict[str, Any]:
    """Poll until it is over, with a bar where somebody looks on."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    of = {"tenant_id": tenant}
    with Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task("reading", total=None)
        try:
            while running["state"] == "running":
                time.sleep(POLL_SECONDS)
                running = found.get(f"{RESTORES}/{running['id']}", of)
                total = running["total_events"] or None
                progress.update(task, description=running["label"], completed=running["events"], total=total)
        except KeyboardInterrupt:
            found.post(f"{RESTORES}/{running['id']}/stop", None, of)
            typer.echo("Stopped; the same command goes on from here.", err=True)
            raise
    return running
