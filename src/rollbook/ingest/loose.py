"""Reading one event tolerantly: what fast decoding refused, field by field."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import msgspec

from rollbook.event import EMPTY, Event, Promoted
from rollbook.ingest.reasons import REASONS, Refusal
from rollbook.scores import FORMS, number, scaled

Fields = dict[str, msgspec.Raw]

MILLISECONDS_FROM = 1e11  # a number this large counts milliseconds: as seconds it would be the year 5138
_ZONE = re.compile(r"(?<=\d)\s*(z|Z|UTC|GMT)$")
_SUSPECT = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")
# what is no escape of its own, and whole surrogate pairs
_HARMLESS = re.compile(rb"\\\\|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}")
_HALF = re.compile(rb"\\u[dD][89a-fA-F]")
_NUL = re.compile(rb"\\u0000")

NULL = msgspec.Raw(b"null")

_fields = msgspec.json.Decoder(Fields).decode


def fields_of(original: bytes) -> Fields:
    """The fields of one JSON object, each still as it was written. Raises Refusal, RecursionError."""
    _check_text(original)
    try:
        return _fields(original)
    except msgspec.DecodeError as error:
        raise _not_fields(original, error) from None


def _not_fields(original: bytes, error: msgspec.DecodeError) -> Refusal:
    if isinstance(error, msgspec.ValidationError):
        # seen at its first byte; whether the rest is JSON is not known yet
        try:
            msgspec.json.decode(original, type=msgspec.Raw)
        except msgspec.DecodeError as deeper:
            error = deeper
        else:
            return Refusal("not_an_object")
    return Refusal("not_json", f"not JSON: {error}")


def document(original: bytes) -> dict[str, Any]:
    """The values of one JSON object. Raises Refusal, RecursionError."""
    return {name: decoded(raw, "not_json") for name, raw in fields_of(original).items()}


def decoded(raw: msgspec.Raw | None, reason: str) -> Any:
    """One value; None where there is none. Raises Refusal with this reason for a number that nothing can hold."""
    try:
        return None if raw is None else msgspec.json.decode(raw)
    except msgspec.DecodeError as error:
        raise Refusal(reason, f"{REASONS[reason]} ({error})") from None


def suspect(body: bytes) -> bool:
    """Whether a body may hold text that cannot be kept; then its events are read one by one."""
    return _SUSPECT.search(body) is not None or not is_utf8(body)


def is_not_text(original: bytes) -> bool:
    """Bytes that are not UTF-8, or half a surrogate pair as an escape."""
    return not is_utf8(original) or _HALF.search(_HARMLESS.sub(b"", original)) is not None


def is_utf8(original: bytes) -> bool:
    """Whether the bytes are UTF-8."""
    if original.isascii():
        return True
    try:
        original.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _check_text(original: bytes) -> None:
    if not is_utf8(original):
        raise Refusal("not_utf8", "bytes that are not UTF-8")
    if _SUSPECT.search(original):
        escapes = _HARMLESS.sub(b"", original)
        if _HALF.search(escapes):
            raise Refusal("not_utf8", "half a surrogate pair, which is no character")
        if _NUL.search(escapes):
            raise Refusal("not_utf8", "a text holds a NUL, which no column can keep")


def event(fields: Fields, names: Mapping[str, tuple[str, ...]], data: Fields, own: dict[str, Any]) -> Event:
    """The event of an object whose fields go by these names; fields of no name go to its properties.

    So do `data` and `own`, what a dialect makes of its own fields; own ones win, then the event's properties.
    """
    fields = dict(fields)
    taken = {field: _take(fields, spellings) for field, spellings in names.items()}
    properties = members(taken["properties"])
    more = fields or data or own
    whole = encoded(fields | data | properties | own) if more else taken["properties"]

    def text_of(field: str) -> str | None:
        return text(decoded(taken[field], f"invalid_{field}"), f"invalid_{field}")

    return Event(
        type=text_of("type") or _refuse("invalid_type"),
        user=text_of("user"),
        timestamp=moment(decoded(taken["timestamp"], "invalid_timestamp")),
        id=text_of("id"),
        tenant=text_of("tenant"),
        source=text_of("source"),
        properties=EMPTY if whole is None else whole,
    )


def members(raw: msgspec.Raw | None) -> Fields:
    """The members of an object, as written; none where it is null or not there. Raises Refusal."""
    if raw is None or raw == NULL:
        return {}
    try:
        return _fields(raw)
    except msgspec.DecodeError:
        raise Refusal("invalid_properties") from None


def encoded(properties: Mapping[str, Any]) -> msgspec.Raw:
    """An object as text; what is still as it was written stays so."""
    return msgspec.Raw(msgspec.json.encode(properties)) if properties else EMPTY


def tenant_of(original: bytes, names: Mapping[str, tuple[str, ...]]) -> str:
    """Whose an event is that could not be read; "" where it does not say."""
    try:
        fields = fields_of(original)
        return text(decoded(_take(fields, names["tenant"]), "invalid_tenant"), "invalid_tenant") or ""
    except (Refusal, RecursionError):
        return ""


def user_of(original: bytes, names: Mapping[str, tuple[str, ...]]) -> str:
    """Of whom an event is that was refused; "" where it does not say."""
    try:
        fields = fields_of(original)
        return text(decoded(_take(fields, names["user"]), "invalid_user"), "invalid_user") or ""
    except (Refusal, RecursionError):
        return ""


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
    """The promoted properties that have a usable value; a duration written as a text counts, a list does not."""
    fields = _fields(properties)
    found: dict[str, Any] = {name: _id(_usable(fields.get(name))) for name in IDS}
    found["duration"] = number(_usable(fields.get("duration")))
    found["score"] = scaled({name: _usable(fields[name]) for name in ("score", *FORMS) if name in fields})
    return Promoted(**found)


NUMBERS = ("score", "duration")
IDS = tuple(name for name in Promoted.__struct_fields__ if name not in NUMBERS)


def _id(value: Any) -> str | None:
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else None


def _usable(raw: msgspec.Raw | None) -> Any:
    try:
        return decoded(raw, "invalid_value")
    except (Refusal, RecursionError):
        return None


def _take(fields: Fields, spellings: tuple[str, ...]) -> msgspec.Raw | None:
    """The first of the spellings that has a value. It leaves the fields; a second one stays, as any unknown field."""
    for name in spellings:
        found = fields.pop(name, None)
        if found is not None and found != NULL:
            return found
    return None


def _from_number(value: float) -> datetime:
    return datetime.fromtimestamp(value / 1000 if abs(value) >= MILLISECONDS_FROM else value, UTC)


def _from_text(value: str) -> datetime:
    if re.fullmatch(r"-?\d+(\.\d+)?", value):
        return _from_number(float(value))
    try:
        return datetime.fromisoformat(_ZONE.sub("+00:00", value))
    except ValueError:
        return parsedate_to_datetime(value)


def _refuse(reason: str) -> str:
    raise Refusal(reason)
