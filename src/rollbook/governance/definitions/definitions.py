"""The definitions of a store, compiled; a change holds at once in this process, in others within half a second."""

import json
import re
import threading
import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from weakref import WeakKeyDictionary

from rollbook.errors import Invalid, NotFound
from rollbook.governance.definitions.compiled import Compiled
from rollbook.governance.tenants import TENANT_ID, Tenants, tenants_of
from rollbook.store import Store
from rollbook.store.records import Records

AT_MOST_SECONDS_OLD = 0.5
MOST_DEFINITIONS = 1_000
MOST_TYPE_CHARACTERS = 256
MOST_DESCRIPTION_CHARACTERS = 1_000

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Definition:
    """What a tenant says of one event type; `schema` is a JSON Schema of its properties."""

    type: str
    description: str
    schema: dict[str, Any]
    changed: datetime


@dataclass(frozen=True, slots=True)
class Checks:
    """What events of a tenant are held against. `strict`: what breaks its definition is refused, else it is marked."""

    compiled: dict[str, Compiled]
    strict: bool
    refuses_unknown: bool


@dataclass(frozen=True, slots=True)
class _Known:
    """A tenant's definitions as they were read at a moment; by type, each with its stamp."""

    at: float
    version: tuple[int, int]
    compiled: dict[str, Compiled]
    stamps: dict[str, int]


NOTHING = _Known(0.0, (0, 0), {}, {})


class Definitions:
    """The definitions of all tenants. Raises Unavailable where the records cannot be used."""

    def __init__(self, records: Records, tenants: Tenants) -> None:
        self._records = records.definitions
        self._tenants = tenants
        self._known: dict[str, _Known] = {}
        self._changes = 0
        self._lock = threading.Lock()

    def checks(self, tenant: str) -> Checks | None:
        """What events of a tenant are held against now; None: nothing."""
        compiled = self.compiled(tenant)
        if not compiled:
            return None
        settings = self._tenants.settings(tenant)
        if settings.event_checks == "off":
            return None
        return Checks(compiled, settings.event_checks == "strict", settings.refuse_unknown_types)

    def compiled(self, tenant: str) -> dict[str, Compiled]:
        """The tenant's definitions by type, whether events are held against them or not."""
        known = self._known.get(tenant)
        if known is None or time.monotonic() - known.at > AT_MOST_SECONDS_OLD:
            known = self._read(tenant, known or NOTHING)
        return known.compiled

    def of(self, tenant: str) -> list[Definition]:
        """A tenant's definitions, by type."""
        return [_shown(row) for row in self._records.of(tenant)]

    def one(self, tenant: str, type: str) -> Definition:
        """One definition. Raises NotFound."""
        row = self._records.one(tenant, type)
        if row is None:
            raise NotFound(f"tenant {tenant!r} has no definition of event type {type!r}")
        return _shown(row)

    def define(self, tenant: str, type: str, schema: dict[str, Any], description: str = "") -> bool:
        """Define an event type, or change its definition; whether it is new. Raises Invalid, TooLarge."""
        _check(tenant, type, schema, description)
        Compiled(schema)
        is_new = self._records.put(tenant, type, schema, description, most=MOST_DEFINITIONS)
        self._forget(tenant)
        return is_new

    def remove(self, tenant: str, type: str) -> None:
        """Remove a definition. Raises NotFound."""
        if not self._records.remove(tenant, type):
            raise NotFound(f"tenant {tenant!r} has no definition of event type {type!r}")
        self._forget(tenant)

    def _forget(self, tenant: str) -> None:
        with self._lock:
            self._changes += 1
            self._known.pop(tenant, None)

    def _read(self, tenant: str, before: _Known) -> _Known:
        """The definitions as they are; only what has changed is compiled anew."""
        changes, now = self._changes, time.monotonic()
        version = self._records.version(tenant)
        compiled, stamps = before.compiled, before.stamps
        if version != before.version:
            rows = self._records.of(tenant)
            stamps = {row["type"]: row["stamp"] for row in rows}
            compiled = {
                row["type"]: before.compiled[row["type"]]
                if before.stamps.get(row["type"]) == row["stamp"]
                else Compiled(row["schema"])
                for row in rows
            }
        known = _Known(now, version, compiled, stamps)
        with self._lock:
            # what was read before a change is not kept after it
            if changes == self._changes:
                self._known[tenant] = known
        return known


def _check(tenant: str, type: str, schema: dict[str, Any], description: str) -> None:
    """That all of it can be kept. Raises Invalid."""
    if not TENANT_ID.fullmatch(tenant):
        raise Invalid(f"tenant {tenant!r} cannot have definitions: its name is not one that tenants are made with")
    if not type.strip() or len(type) > MOST_TYPE_CHARACTERS or _CONTROL.search(type):
        raise Invalid(f"an event type has 1 to {MOST_TYPE_CHARACTERS} characters, and none that is for control")
    if len(description) > MOST_DESCRIPTION_CHARACTERS:
        raise Invalid(f"the description is longer than {MOST_DESCRIPTION_CHARACTERS} characters")
    try:
        text = json.dumps([type, description, schema], ensure_ascii=False, allow_nan=False)
        text.encode()
    except (ValueError, RecursionError):
        raise Invalid("the definition holds half a surrogate pair or a number that is none, or is too deep") from None
    if "\\u0000" in text:
        raise Invalid("the definition holds a NUL, which nothing can keep")


def _shown(row: dict[str, Any]) -> Definition:
    return Definition(row["type"], row["description"], row["schema"], row["changed"])


_of: WeakKeyDictionary[Store, Definitions] = WeakKeyDictionary()


def definitions_of(store: Store) -> Definitions:
    """The definitions of a store; all who ask share what is compiled."""
    found = _of.get(store)
    if found is None:
        found = _of.setdefault(store, Definitions(store.records, tenants_of(store)))
    return found
