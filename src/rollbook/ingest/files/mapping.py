"""Which column is what: a row of any file as an event in the native shape."""

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec

from rollbook.errors import Invalid
from rollbook.event import Promoted
from rollbook.ingest import loose
from rollbook.ingest.reasons import Refusal
from rollbook.scores import number

Fields = dict[str, Any]
Getter = Callable[[Fields], Any]

CONSTANT = "="

# Columns that are taken without being named: documents 1, 4 and 5, in any spelling of case and underscores.
EVENT: dict[str, tuple[str, ...]] = {
    "event_type": ("eventtype", "type", "event"),
    "user_id": ("userid", "user"),
    "timestamp": ("timestamp", "ts", "time"),
    "event_id": ("eventid", "id"),
    "source": ("sourceservice", "source", "src"),
}
PROMOTED = {name: (name.replace("_", ""),) for name in Promoted.__struct_fields__}
PROPERTIES = ("metadata", "payload", "properties", "eventdata")
IGNORED = ("tenantid", "tenant")
REQUIRED = ("event_type", "timestamp")

NUMBERS = ("score", "duration")
MOST_PLANS = 1_000
MICROSECONDS_FROM, NANOSECONDS_FROM = 1e14, 1e17
_NUMERIC = re.compile(r"-?\d+(\.\d+)?")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Columns:
    """The mapping of a file.

    `given` maps names of the event to columns: `event_type, user_id, timestamp, event_id, source`, or any name of a
    property (`course_id`, `score`, …). A value `=text` is a constant, `a.b` is b within a, an empty one is no column.
    What is not given is found by the known names; every other column becomes a property of its own name.
    """

    def __init__(self, given: Mapping[str, str]) -> None:
        self._given = dict(given)
        self._plans: dict[tuple[str, ...], _Plan] = {}

    def described(self) -> str:
        """The mapping as a text that is the same for the same mapping."""
        return json.dumps(self._given, sort_keys=True)

    def check(self, names: Sequence[str]) -> None:
        """Raise Invalid if a column that is given is not among the file's, or one that is needed cannot be found."""
        have = ", ".join(sorted(names))
        for target, column in self._given.items():
            if column and not column.startswith(CONSTANT) and column not in names and column.split(".")[0] not in names:
                raise Invalid(f"there is no column {column!r} for {target}; the file has {have}")
        found = self._plan(tuple(names))
        for target in REQUIRED:
            if target not in found.targets:
                raise Invalid(f"no column is the {target}; name it ({target}=COLUMN), the file has {have}")

    def event(self, fields: Fields, id_else: str) -> Fields:
        """A row as an event in the native shape; `id_else` is the id of one without. Raises Refusal."""
        plan = self._plan(tuple(fields))
        taken = {target: get(fields) for target, get in plan.targets.items()}
        event: Fields = {
            "event_id": _id(taken.pop("event_id", None)) or id_else,
            "event_type": taken.pop("event_type", None),
            "user_id": _id(taken.pop("user_id", None)),
            "timestamp": _moment(taken.pop("timestamp", None)),
            "source_service": _present(taken.pop("source", None)),
        }
        metadata = {name: value for name in plan.rest if (value := _present(fields[name])) is not None}
        for name in plan.properties:
            metadata |= _object(fields[name])
        for name, value in taken.items():
            if (value := _present(value)) is not None:
                metadata[name] = _number(value) if name in NUMBERS else value
        known = {name: value for name, value in event.items() if value is not None}
        return known | ({"metadata": metadata} if metadata else {})

    def _plan(self, names: tuple[str, ...]) -> "_Plan":
        if names not in self._plans:
            if len(self._plans) >= MOST_PLANS:
                self._plans.clear()
            self._plans[names] = _Plan(self._given, names)
        return self._plans[names]


class _Plan:
    """What to take from rows that have these columns: `targets`, objects of `properties`, and the `rest` as it is."""

    def __init__(self, given: Mapping[str, str], names: tuple[str, ...]) -> None:
        self.targets: dict[str, Getter] = {}
        used: set[str] = set()
        for target, column in given.items():
            if column:
                self.targets[target] = _getter(column, names)
                used.add(column)
        plain = {_plain(name): name for name in reversed(names) if name not in used}
        for target, spellings in (EVENT | PROMOTED).items():
            found = next((plain[spelling] for spelling in spellings if spelling in plain), None)
            if found and target not in given:
                self.targets[target] = _getter(found, names)
                used.add(found)
        left = [name for name in names if name not in used]
        self.properties = [name for name in left if _plain(name) in PROPERTIES]
        self.rest = [name for name in left if _plain(name) not in PROPERTIES + IGNORED]


def _getter(column: str, names: tuple[str, ...]) -> Getter:
    if column.startswith(CONSTANT):
        return lambda fields: column[len(CONSTANT) :]
    if column in names:
        return lambda fields: fields.get(column)
    path = column.split(".")

    def within(fields: Fields) -> Any:
        found: Any = fields
        for name in path:
            found = found.get(name) if isinstance(found, dict) else None
        return found

    return within


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _present(value: Any) -> Any:
    """The value; None where there is none. A whole number that a table keeps as 12.0 is 12."""
    if value == "" or (isinstance(value, float) and math.isnan(value)):
        return None
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _id(value: Any) -> Any:
    """A whole number as the text that the fast decoder expects."""
    value = _present(value)
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _number(value: Any) -> Any:
    found = number(value)
    return value if found is None else found


def _object(value: Any) -> Fields:
    """A column that holds properties: an object, or one as JSON text."""
    if isinstance(value, str) and value.strip():
        try:
            value = msgspec.json.decode(value)
        except (msgspec.DecodeError, RecursionError):
            raise Refusal("invalid_properties") from None
    if value is None or value == "":
        return {}
    if not isinstance(value, dict):
        raise Refusal("invalid_properties")
    return value


def _moment(value: Any) -> Any:
    """A timestamp that the pipeline reads: numbers of seconds, milli-, micro- or nanoseconds are made ISO 8601."""
    value = _present(value)
    if value is None:
        raise Refusal("invalid_timestamp", "the timestamp is empty")
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, str) and _NUMERIC.fullmatch(value.strip()):
        value = float(value) if "." in value else int(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _from_number(value)
    return value.strip() if isinstance(value, str) else value


def _from_number(value: float) -> str:
    size = abs(value)
    units = ((NANOSECONDS_FROM, 1e9), (MICROSECONDS_FROM, 1e6), (loose.MILLISECONDS_FROM, 1e3))
    per_second = next((unit for least, unit in units if size >= least), 1)
    try:
        return (EPOCH + timedelta(seconds=value / per_second)).isoformat()
    except (OverflowError, ValueError):
        raise Refusal("invalid_timestamp", f"{value} is no time since 1970") from None
