"""`rollbook docs`: the pages of docs/reference that are made from the code."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer
from pydantic.fields import FieldInfo

from rollbook.analyses.reference import questions_page
from rollbook.settings import LATER, WITHOUT_MEANING, Settings, is_later, names_of

SETTINGS = """# Settings

Rollbook reads its settings from the environment, once, at start; an option of the command line wins over them. The five
documents name the same thing differently, and give different defaults: every name below is honoured. Where several
names of one setting are set, the first in the row wins. An empty variable counts as unset.

| setting | default | documents say | what it is |
|---|---|---|---|
{acted}

## Read and checked, but not acted on yet

These are accepted, and refused if their value makes no sense, but nothing is done with them in this version. `rollbook
serve` warns when one is set.

| setting | default | documents say | what it will be |
|---|---|---|---|
{later}

## Names of the documents that nothing reads yet

`rollbook serve` warns when one is set.

| name | what it is for |
|---|---|
{unread}

## Names of the documents that have no meaning here

| name | why |
|---|---|
{without}
"""


def settings_page() -> str:
    """docs/reference/settings.md."""
    rows = {name: _row(name, field) for name, field in Settings.model_fields.items()}
    return SETTINGS.format(
        acted="\n".join(row for name, row in rows.items() if not is_later(name)),
        later="\n".join(row for name, row in rows.items() if is_later(name)),
        unread="\n".join(f"| `{name}` | {what} |" for name, what in LATER.items()),
        without="\n".join(f"| `{name}` | {why} |" for name, why in WITHOUT_MEANING.items()),
    )


def _row(name: str, field: FieldInfo) -> str:
    names = ", ".join(f"`{one}`" for one in names_of(name))
    extra = field.json_schema_extra
    said = extra["documents"] if isinstance(extra, dict) else ""
    return f"| {names} | {_default(field.default)} | {said} | {field.description} |"


def _default(value: object) -> str:
    if value is None or value == "":
        return "unset"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


PAGES: dict[str, Callable[[], str]] = {"settings.md": settings_page, "questions.md": questions_page}


def docs(
    into: Annotated[Path, typer.Option("--into", help="The folder of the pages.")] = Path("docs/reference"),
) -> None:
    """Write the generated pages of the docs anew."""
    into.mkdir(parents=True, exist_ok=True)
    for name, page in PAGES.items():
        (into / name).write_text(page(), encoding="utf-8")
        typer.echo(str(into / name))
