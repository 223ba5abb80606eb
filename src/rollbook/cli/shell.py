"""The shell: the program `rollbook` itself, its version, and how it says what went wrong."""

from typing import Annotated, Any

import typer
from rich.console import Console
from typer.core import TyperGroup

from rollbook import __version__
from rollbook.errors import RollbookError

MOST_REJECTED_SHOWN = 10


class Shell(TyperGroup):
    """Commands whose expected errors are one line on stderr and an exit code, never a traceback."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command; exit codes are those of `rollbook.errors`."""
        try:
            return super().invoke(ctx)
        except RollbookError as error:
            complain(error)
            raise typer.Exit(error.exit_code) from error


def complain(error: RollbookError) -> None:
    """Say what went wrong, and with which events."""
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    console.print("[bold red]Error:[/]", end=" ")
    console.print(error.detail, markup=False)
    for one in error.rejected[:MOST_REJECTED_SHOWN]:
        console.print(f"  event {one.get('index')}: {one.get('detail') or one.get('reason')}", markup=False)
    if len(error.rejected) > MOST_REJECTED_SHOWN:
        console.print(f"  and {len(error.rejected) - MOST_REJECTED_SHOWN} more")


app = typer.Typer(
    cls=Shell,
    name="rollbook",
    help="Learning events in, each counted exactly once; answers out.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"rollbook {__version__}")
        raise typer.Exit


@app.callback()
def rollbook(
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_show_version, help="Show the version.")
    ] = False,
) -> None:
    """Learning events in, each counted exactly once; answers out."""
