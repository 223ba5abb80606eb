"""A JSON Schema, compiled to hold properties against. What is wrong is said without the values: they may be a person's.

JSON Schema 2020-12 and the drafts before it (https://json-schema.org), by jsonschema-rs. Nothing is fetched from
elsewhere, and patterns are of the kind that takes no more time than the text is long.
"""

import json
import math
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import msgspec

from rollbook.errors import Invalid

MOST_SCHEMA_BYTES = 64 << 10
MOST_PATTERN_BYTES = 1 << 20
MOST_PROBLEMS = 5
MOST_PROBLEM_CHARACTERS = 200
MOST_DIGITS = 300

UNREADABLE = "a number is too large to be checked"


class Compiled:
    """What one definition asks of the properties of an event."""

    def __init__(self, schema: dict[str, Any]) -> None:
        """Raises Invalid, saying what is wrong with the schema and where."""
        if len(json.dumps(schema)) > MOST_SCHEMA_BYTES:
            raise Invalid(f"the schema is longer than {MOST_SCHEMA_BYTES} bytes")
        patterns = jsonschema_rs.RegexOptions(size_limit=MOST_PATTERN_BYTES)
        try:
            self._validator: Any = jsonschema_rs.validator_for(
                schema, mask="the value", offline=True, validate_formats=True, pattern_options=patterns
            )
        except jsonschema_rs.ValidationError as error:
            raise Invalid(
                f"the schema is wrong at {_path(error.instance_path) or 'its top'}: {error.message}"
            ) from None
        except (ValueError, RecursionError, jsonschema_rs.ReferencingError) as error:
            raise Invalid(f"the schema cannot be used: {error}") from None
        self.names = _names(schema)

    def problems(self, properties: bytes) -> list[str]:
        """What is wrong, `path: what` each, the first few; []: nothing."""
        try:
            values = _read(properties)
            if self._validator.is_valid(values):
                return []
            return list(self._problems(values))
        except (ValueError, RecursionError):
            return [UNREADABLE]

    def _problems(self, values: Any) -> Iterator[str]:
        for place, error in enumerate(self._validator.iter_errors(values)):
            if place == MOST_PROBLEMS:
                return
            yield f"{_path(error.instance_path) or 'properties'}: {error.message}"[:MOST_PROBLEM_CHARACTERS]


def _path(parts: list[str | int]) -> str:
    """As `answers[3].score`."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts).removeprefix(".")


def _names(schema: dict[str, Any]) -> frozenset[str] | None:
    """The properties that the schema names at its top; None: it may name others in ways that are not looked into."""
    if schema.keys() & {
        "$ref",
        "$dynamicRef",
        "allOf",
        "anyOf",
        "oneOf",
        "if",
        "patternProperties",
        "dependentSchemas",
    }:
        return None
    properties = schema.get("properties", {})
    return frozenset(properties) if isinstance(properties, dict) else None


def _read(properties: bytes) -> Any:
    """The properties; a number that nothing can hold (1e999, thousands of digits) as a text, which it is no number."""
    try:
        return msgspec.json.decode(properties)
    except msgspec.DecodeError:
        return json.loads(properties, parse_float=_real, parse_int=_whole)


def _real(text: str) -> float | str:
    found = float(text)
    return found if math.isfinite(found) else text


def _whole(text: str) -> int | str:
    return int(text) if len(text) <= MOST_DIGITS else text
