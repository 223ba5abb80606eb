"""Document 1: event_type, user_id, timestamp, metadata."""

from msgspec import Raw, field

from rollbook.event import EMPTY, Event
from rollbook.ingest.dialects.dialect import Dialect


class AgentEvent(Event, forbid_unknown_fields=True):
    """An event as document 1 writes it, with an optional event_id, tenant_id and source_service."""

    type: str = field(name="event_type")
    user: str | None = field(name="user_id", default=None)
    id: str | None = field(name="event_id", default=None)
    tenant: str | None = field(name="tenant_id", default=None)
    source: str | None = field(name="source_service", default=None)
    properties: Raw = field(name="metadata", default=EMPTY)


AGENT = Dialect(
    name="agent",
    shape=AgentEvent,
    names={
        "type": ("event_type",),
        "user": ("user_id",),
        "timestamp": ("timestamp",),
        "id": ("event_id",),
        "tenant": ("tenant_id",),
        "source": ("source_service",),
        "properties": ("metadata",),
    },
)
