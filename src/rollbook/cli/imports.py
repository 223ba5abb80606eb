"""`rollbook import`: a known data set or a file of events, with a progress bar; what stops goes on when run again."""

import sys
import time
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from rollbook.cli.options import Data, Tenant, settings_of
from rollbook.cli.reach import BY_STATUS, Reach, reach
from rollbook.errors import Invalid, RollbookError

PATH = "/api/v2/imports"
POLL_SECONDS = 0.2


def import_events(
    source: Annotated[
        str, typer.Argument(metavar="oulad PATH | FILE", help="`oulad`, or a CSV, JSONL or Parquet file.")
    ],
    path: Annotated[Path | None, typer.Argument(metavar="", hidden=True, help="With `oulad`: zip or folder.")] = None,
    *,
    column: Annotated[
        list[str] | None,
        typer.Option("--map", metavar="NAME=COLUMN", help="Which column of the file holds what: user_id=student."),
    ] = None,
    data: Data = None,
    tenant: Tenant = "default",
) -> None:
    """Import events: `rollbook import oulad oulad.zip`, `rollbook import clicks.csv --map user_id=student`."""
    wanted = _wanted(source, path, column or [])
    with reach(settings_of(data)) as found:
        done = follow(found, wanted, tenant)
    typer.echo(f"{wanted['path']}: {done['detail']}")


def follow(found: Reach, wanted: dict[str, Any], tenant: str) -> dict[str, Any]:
    """Start an import and wait for its end. Raises what it fails with."""
    done = _followed(found, found.post(PATH, wanted, {"tenant_id": tenant}))
    if done["state"] == "failed":
        raise BY_STATUS.get(done["status"], RollbookError)(done["detail"])
    return done


def _wanted(source: str, path: Path | None, columns: list[str]) -> dict[str, Any]:
    if path is None and source == "oulad":
        raise Invalid("rollbook import oulad needs the path of the data set, a zip or a folder")
    if path is not None and source != "oulad":
        raise Invalid(f"no data set {source!r}; there is oulad. To import a file, name the file alone")
    mapping = dict(_pair(text) for text in columns)
    if path is not None and mapping:
        raise Invalid("--map is for files; the columns of oulad are known")
    kind, place = ("oulad", path) if path is not None else ("file", Path(source))
    if not place.exists():
        raise Invalid(f"there is no {place}")
    return {"kind": kind, "path": str(place.resolve()), "mapping": mapping}


def _pair(text: str) -> tuple[str, str]:
    name, equals, column = text.partition("=")
    if not (name and equals and column):
        raise Invalid(f"--map {text}: write it as name=column, for instance user_id=student")
    return name.strip(), column


def _followed(found: Reach, running: dict[str, Any]) -> dict[str, Any]:
    """Poll until it is over, with a bar where somebody looks on."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task("reading", total=None)
        try:
            while running["state"] == "running":
                time.sleep(POLL_SECONDS)
                running = found.get(f"{PATH}/{running['id']}")
                total = running["total_rows"] or None
                progress.update(task, description=running["label"], completed=running["rows"], total=total)
        except KeyboardInterrupt:
            found.post(f"{PATH}/{running['id']}/stop")
            typer.echo("Stopped; the same command goes on from here.", err=True)
            raise
    return running
