"""Reading one event tolerantly: what fast decoding refused, field by field."""

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import msgspec

from rollbook.event import Event, Promoted
from rollbook.ingest.reasons import Refusal

MILLISECONDS_FROM = 1e11  # a number this large counts milliseconds: as seconds it would be the year 5138
_ZONE = re.compile(r"(?<=\d)\s*(z|Z|UTC|GMT)$")
_SUSPECT = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")


def document(original: bytes) -> dict[str, Any]:
    """One JSON object. Raises Refusal."""
    if is_not_text(original):
        raise Refusal("not_utf8")
    try:
        found = msgspec.json.decode(original)
    except msgspec.DecodeError as error:
        raise Refusal("not_json", f"not JSON: {error}") from None
    if not isinstance(found, dict):
        raise Refusal("not_an_object")
    if _SUSPECT.search(original) and _holds_nul(found):
        raise Refusal("not_utf8", "a text holds a NUL, which no column can keep")
    return found


def suspect(body: bytes) -> bool:
    """Whether a body may hold text that cannot be kept; then its events are read one by one."""
    return _SUSPECT.search(body) is not None or not _is_utf8(body)


def is_not_text(original: bytes) -> bool:
    """Bytes that are not UTF-8, or half a surrogate pair as an escape."""
    if not _is_utf8(original):
        return True
    halves = re.sub(rb"\\\\|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}", b"", original)
    return re.search(rb"\\u[dD][89a-fA-F]", halves) is not None


def event(fields: dict[str, Any], names: Mapping[str, tuple[str, ...]]) -> Event:
    """The event of an object whose fields go by these names; fields of no name go to its properties."""
    fields = dict(fields)
    taken = {field: _take(fields, spellings) for field, spellings in names.items()}
    properties = taken.pop("properties", None)
    if properties is not None and not isinstance(properties, dict):
        raise Refusal("invalid_properties")
    # an unknown field at the top is kept, but never over a property of that name
    properties = fields | (properties or {})
    return Event(
        type=text(taken.get("type"), "invalid_type") or _refuse("invalid_type"),
        user=text(taken.get("user"), "invalid_user"),
        timestamp=moment(taken.get("timestamp")),
        id=text(taken.get("id"), "invalid_id"),
        tenant=text(taken.get("tenant"), "invalid_tenant"),
        source=text(taken.get("source"), "invalid_source"),
        properties=msgspec.Raw(msgspec.json.encode(properties)),
    )


def text(value: Any, reason: str) -> str | None:
    """An id as text; whole numbers are written out. Raises Refusal with this reason."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise Refusal(reason)


def moment(value: Any) -> datetime | None:
    """A timestamp: ISO 8601 (a space for the T, a date alone), RFC 2822, or seconds or milliseconds since 1970."""
    if value is None or value == "":
        return None
    try:
        if isinstance(value, bool):
            raise Refusal("invalid_timestamp")
        if isinstance(value, int | float):
            return _from_number(value)
        if isinstance(value, str):
            return _from_text(value.strip())
    except (ValueError, OverflowError, OSError, TypeError):
        pass
    raise Refusal("invalid_timestamp", f"{str(value)[:100]!r} is no timestamp; use ISO 8601 or seconds since 1970")


def promoted(properties: bytes) -> Promoted:
    """The promoted properties that have a usable value; a score written as a text counts, a list does not."""
    fields = msgspec.json.decode(properties)
    found = {name: _id(fields.get(name)) for name in IDS} | {name: number(fields.get(name)) for name in NUMBERS}
    return Promoted(**found)  # type: ignore[arg-type]


def number(value: Any) -> float | None:
    """A finite number, also from a text; else None."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None


NUMBERS = ("score", "duration")
IDS = tuple(name for name in Promoted.__struct_fields__ if name not in NUMBERS)


def _id(value: Any) -> str | None:
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else None


def _take(fields: dict[str, Any], spellings: tuple[str, ...]) -> Any:
    """The first of the spellings that has a value; all of them leave the fields."""
    values = [fields.pop(name) for name in spellings if name in fields]
    return next((value for value in values if value is not None), None)


def _from_number(value: float) -> datetime:
    return datetime.fromtimestamp(value / 1000 if abs(value) >= MILLISECONDS_FROM else value, UTC)


def _from_text(value: str) -> datetime:
    if re.fullmatch(r"-?\d+(\.\d+)?", value):
        return _from_number(float(value))
    try:
        return datetime.fromisoformat(_ZONE.sub("+00:00", value))
    except ValueError:
        return parsedate_to_datetime(value)


def _holds_nul(value: Any) -> bool:
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, dict):
        return any(_holds_nul(k) or _holds_nul(v) for k, v in value.items())
    return isinstance(value, list) and any(map(_holds_nul, value))


def _is_utf8(original: bytes) -> bool:
    if original.isascii():
        return True
    try:
        original.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _refuse(reason: str) -> str:
    raise Refusal(reason)
