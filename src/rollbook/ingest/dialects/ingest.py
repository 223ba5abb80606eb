"""Document 4: ts, user_id, type, src, payload."""

from datetime import datetime

from msgspec import Raw, field

from rollbook.event import EMPTY, Event
from rollbook.ingest.dialects.dialect import Dialect


class IngestEvent(Event, forbid_unknown_fields=True):
    """An event as document 4 writes it, with an optional event_id and tenant_id."""

    user: str | None = field(name="user_id", default=None)
    timestamp: datetime | None = field(name="ts", default=None)
    id: str | None = field(name="event_id", default=None)
    tenant: str | None = field(name="tenant_id", default=None)
    source: str | None = field(name="src", default=None)
    properties: Raw = field(name="payload", default=EMPTY)


INGEST = Dialect(
    name="ingest",
    shape=IngestEvent,
    names={
        "type": ("type",),
        "user": ("user_id",),
        "timestamp": ("ts",),
        "id": ("event_id",),
        "tenant": ("tenant_id",),
        "source": ("src",),
        "properties": ("payload",),
    },
)
