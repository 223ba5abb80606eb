"""Output: rows as JSON, CSV or a table to read, and the options that choose."""

import functools
import inspect
import json
import sys
from collections.abc import Callable, Sequence
from typing import Any, Literal

import typer
from rich.console import Console
from rich.table import Table

from rollbook.cli.options import AsCsv, AsJson, AsTable
from rollbook.delivery.tables import rows_as_csv
from rollbook.errors import Invalid

Format = Literal["json", "csv", "table"]
Row = dict[str, Any]

# where nobody looks on, lines need not end at the edge of a window
WIDTH_UNSEEN = 200


def chosen(*, as_json: AsJson = False, as_csv: AsCsv = False, as_table: AsTable = False) -> Format:
    """The one format asked for. Raises Invalid for several."""
    named: dict[Format, bool] = {"json": as_json, "csv": as_csv, "table": as_table}
    wanted = [name for name, on in named.items() if on]
    if len(wanted) > 1:
        raise Invalid(f"choose one of --{' and --'.join(wanted)}")
    return wanted[0] if wanted else "table"


def in_a_form(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options --json, --csv and --table; the one format goes to its parameter `form`."""
    # Typer makes an option of each parameter of the signature that it is shown
    options, signature = inspect.signature(chosen).parameters, inspect.signature(command)
    own = [parameter for name, parameter in signature.parameters.items() if name != "form"]

    @functools.wraps(command)
    def with_form(**given: Any) -> None:
        form = chosen(**{name: given.pop(name) for name in options})
        command(**given, form=form)

    with_form.__signature__ = signature.replace(parameters=[*own, *options.values()])  # type: ignore[attr-defined]
    return with_form


def show(answer: Any, rows: Sequence[Row], columns: Sequence[str], form: Format, *, caption: str | None = None) -> None:
    """Print: the whole answer as JSON, or its rows as CSV or as a table."""
    if form == "json":
        typer.echo(json.dumps(answer, indent=2, ensure_ascii=False))
    elif form == "csv":
        typer.echo(rows_as_csv(columns, rows), nl=False)
    else:
        _table(rows, columns, caption)


def show_rows(rows: Sequence[Row], columns: Sequence[str], form: Format, *, caption: str | None = None) -> None:
    """Print rows that are the whole answer."""
    show(rows, rows, columns, form, caption=caption)


def _table(rows: Sequence[Row], columns: Sequence[str], caption: str | None) -> None:
    console = Console(highlight=False, width=None if sys.stdout.isatty() else WIDTH_UNSEEN)
    table = Table(header_style="bold")
    if len(rows) == 1 and len(columns) > 1:
        table.show_header = False
        table.add_column(style="bold")
        table.add_column(overflow="fold")
        for name in columns:
            table.add_row(name, _readable(rows[0].get(name)))
    else:
        for name in columns:
            numbers = any(isinstance(row.get(name), int | float) for row in rows)
            table.add_column(name, justify="right" if numbers else "left", overflow="fold")
        for row in rows:
            table.add_row(*(_readable(row.get(name)) for name in columns))
    console.print(table)
    if not rows:
        console.print("nothing")
    if caption:
        console.print(caption, style="dim", markup=False)


def _readable(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.0f}"
    if isinstance(value, list):
        return ", ".join(map(_readable, value))
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else str(value)
