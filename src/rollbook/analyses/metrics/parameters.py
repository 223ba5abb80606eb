"""Parameters that questions about metrics share: names, tags, filters, aggregations; as values, or as text."""

import json
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from rollbook.analyses.retention import split

Aggregation = Literal["sum", "avg", "min", "max", "count", "p50", "p95", "p99"]

MOST_NAMES = 50
MOST_TAGS = 5
MOST_FILTERS = 20
MOST_VALUES = 100
# a parameter travels to a ClickHouse server in one field
MOST_CHARACTERS = 16_000

Name = Annotated[str, Field(min_length=1, max_length=256)]
Value = Annotated[str, Field(max_length=1024)]


def pairs(given: object) -> object:
    """`name=value` texts (a list of them, or divided by commas) or a JSON object, as a mapping to lists of values."""
    if isinstance(given, str) and given.lstrip().startswith("{"):
        try:
            given = json.loads(given)
        except ValueError as error:
            raise ValueError(f"is not JSON: {error}") from None
    if isinstance(given, str):
        given = [one for one in given.split(",") if one.strip()]
    if isinstance(given, list | tuple):
        found: dict[str, list[str]] = {}
        for one in given:
            name, equals, value = str(one).partition("=")
            if not equals or not name.strip():
                raise ValueError("write filters as name=value, or as a JSON object")
            found.setdefault(name.strip(), []).append(value.strip())
        return found
    if isinstance(given, Mapping):
        return {name: _values(value) for name, value in given.items()}
    return given


def kinds(given: object) -> object:
    """The same for aggregations, of which each name has one."""
    found = pairs(given)
    return {n: v[0] if isinstance(v, list) and len(v) == 1 else v for n, v in found.items()} if isinstance(
        found, dict
    ) else found  # fmt: skip


def _values(value: Any) -> Any:
    """One value or a list of them as texts, as tags are: true, 1, 0.5; null is a tag that is not there."""
    if isinstance(value, list | tuple):
        return [_text(one) for one in value]
    return [_text(value)]


def _text(value: Any) -> Any:
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    raise ValueError("filters are name: value, or name: [values]; a value is a text, a number, true, false or null")


def _short(given: Mapping[str, Any]) -> Mapping[str, Any]:
    if sum(len(name) + sum(map(len, values)) for name, values in given.items()) > MOST_CHARACTERS:
        raise ValueError(f"at most {MOST_CHARACTERS} characters in all")
    return given


def _distinct(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))


Names = Annotated[tuple[Name, ...], BeforeValidator(split), AfterValidator(_distinct), Field(max_length=MOST_NAMES)]
Tags = Annotated[tuple[Name, ...], BeforeValidator(split), AfterValidator(_distinct), Field(max_length=MOST_TAGS)]
Filters = Annotated[
    dict[Name, Annotated[tuple[Value, ...], Field(min_length=1, max_length=MOST_VALUES)]],
    BeforeValidator(pairs),
    AfterValidator(_short),
    Field(max_length=MOST_FILTERS),
]


def bound_filters(filters: Mapping[str, tuple[str, ...]]) -> dict[str, Any]:
    """The filters as they are bound: names, and the values of each."""
    return {
        "filter_names": list(filters),
        "filter_values": [list(values) for values in filters.values()],
    }
