"""`rollbook ask`: any question of the catalogue, with its parameters as options."""

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Annotated, Any

import typer
from pydantic_core import PydanticUndefined

from rollbook.analyses.catalogue import BY_NAME, QUESTIONS
from rollbook.analyses.question import Question
from rollbook.cli import output
from rollbook.cli.options import Data, Tenant, settings_of
from rollbook.cli.reach import reach
from rollbook.errors import Invalid, NotFound

FREE_OPTIONS = {"allow_extra_args": True, "ignore_unknown_options": True}

Parameters = dict[str, str | list[str]]


@output.in_a_form
def ask(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(help="The question; without it, all are listed.")] = None,
    *,
    param: Annotated[
        list[str] | None, typer.Option("--param", "-p", metavar="KEY=VALUE", help="A parameter; also as `--days 30`.")
    ] = None,
    data: Data = None,
    tenant: Tenant = "default",
    form: output.Format,
) -> None:
    """Ask a question: `rollbook ask retention --period 30`."""
    if name is None:
        _list(form)
        return
    question = _named(name)
    parameters = _checked(question, given(param or [], context.args))
    with reach(settings_of(data)) as found:
        answer = found.get(f"/api/v2/ask/{question.name()}", parameters | {"tenant_id": tenant})
    told = ", ".join(f"{key} {value}" for key, value in answer["parameters"].items() if value is not None)
    caption = f"{told + '; ' if told else ''}as of {answer['as_of']}, days in {answer['timezone']}"
    output.show(answer, answer["rows"], list(question.answer().model_fields), form, caption=caption)


def given(pairs: Sequence[str], free: Sequence[str]) -> Parameters:
    """Parameters from `key=value` and from options that nobody declared; what is named twice becomes a list."""
    parameters: Parameters = {}
    for key, value in [*map(_pair, pairs), *_options(list(free))]:
        before = parameters.get(key)
        parameters[key] = value if before is None else [*(before if isinstance(before, list) else [before]), value]
    return parameters


def _pair(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise Invalid(f"--param {text}: write it as key=value")
    return key.strip().replace("-", "_"), value


def _options(words: list[str]) -> list[tuple[str, str]]:
    found = []
    while words:
        word = words.pop(0)
        if not word.startswith("--") or word == "--":
            raise Invalid(f"{word!r} is not understood; parameters look like --days 30 or --param days=30")
        key, equals, value = word[2:].partition("=")
        if not equals:
            # a lone option is a switch
            value = words.pop(0) if words and not words[0].startswith("--") else "true"
        found.append((key.replace("-", "_"), value))
    return found


def _named(name: str) -> type[Question[Any]]:
    found = BY_NAME.get(name.replace("-", "_"))
    if found is None:
        raise NotFound(f"no question {name!r}{_nearest(name, BY_NAME)}; `rollbook ask` lists all")
    return found


def _checked(question: type[Question[Any]], parameters: Parameters) -> Parameters:
    for name in parameters:
        if name not in question.model_fields:
            there = ", ".join(question.model_fields)
            near = _nearest(name, question.model_fields)
            raise Invalid(f"{question.name()} has no parameter {name!r}{near}; it has {there}")
    return parameters


def _nearest(name: str, names: Any) -> str:
    near = get_close_matches(name.replace("-", "_"), list(names), n=1)
    return f" (did you mean {near[0]}?)" if near else ""


def _list(form: output.Format) -> None:
    rows = [
        {"question": kind.name(), "asks": (kind.__doc__ or "").split("\n")[0], "parameters": _signature(kind)}
        for kind in QUESTIONS
    ]
    output.show_rows(rows, ["question", "asks", "parameters"], form)


def _signature(kind: type[Question[Any]]) -> str:
    """Its own parameters first, then those of every question."""
    shown = []
    for name, field in sorted(kind.model_fields.items(), key=lambda item: item[0] in Question.model_fields):
        if field.default is PydanticUndefined:
            shown.append(f"{name} (needed)")
        else:
            shown.append(name if field.default is None else f"{name}={field.default}")
    return ", ".join(shown)
