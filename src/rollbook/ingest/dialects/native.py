"""The native shape: documents 1's and 5's field names, everything but the type optional."""

from rollbook.ingest.dialects.agent import AgentEvent
from rollbook.ingest.dialects.dialect import Dialect
from rollbook.ingest.dialects.engine import NAMES, EngineEvent, finish, gather

NATIVE = Dialect(
    name="native",
    shape=EngineEvent,
    plain=AgentEvent,
    names={
        **NAMES,
        "type": ("event_type", "type"),
        "user": ("user_id", "user"),
        "id": ("event_id", "id"),
        "source": ("source_service", "source"),
        "tenant": ("tenant_id", "tenant"),
        "properties": ("metadata", "properties"),
    },
    finish=finish,
    gather=gather,
)
