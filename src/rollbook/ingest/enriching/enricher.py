"""The form of an enricher: it is made ready once for the events of a tenant in a batch, then asked for each of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

import msgspec

from rollbook.governance.tenants import TenantSettings
from rollbook.ingest.enriching.known import Known

Members = dict[str, Any]


@dataclass(slots=True)
class Incoming:
    """An event on its way in, as it is to be stored; `at` is when it happened."""

    type: str
    user: str
    at: datetime
    text: bytes
    _properties: Members | None = None

    @property
    def properties(self) -> Members:
        """Its properties, decoded once. Raises msgspec.DecodeError for numbers that nothing can hold."""
        if self._properties is None:
            self._properties = msgspec.json.decode(self.text, type=dict[str, Any])
        return self._properties


@dataclass(frozen=True, slots=True)
class Around:
    """What enrichers may know: whose events these are, what is set for the tenant, its people, and this process.

    `load` is the share of the queue before the commit that is taken; `trouble` says why events cannot be written, "" if
    they can.
    """

    tenant: str
    zone: str
    settings: TenantSettings
    events: Sequence[Incoming]
    known: Known
    load: Callable[[], float] = field(default=lambda: 0.0)
    trouble: str = ""

    def users(self) -> list[str]:
        """Whose events these are, each once."""
        return sorted({event.user for event in self.events} - {""})


class Enricher(Protocol):
    """Adds members to the context of events, under its name."""

    name: str

    def ready(self, around: Around) -> Callable[[Incoming], Members]:
        """What gives the members of one event; {}: nothing. Whatever either raises lets the event through, marked."""
