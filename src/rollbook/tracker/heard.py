"""Heard: an event as the bus hands it to its listeners."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec

from rollbook.store.sharing import Published


@dataclass(frozen=True, slots=True)
class TrackedEvent:
    """A committed event. What its properties hold can be read from it by name: `event.xp_amount`.

    `user_id` is as it is stored: the pseudonym, where the tenant has them.
    """

    event_id: str
    event_type: str
    user_id: str
    timestamp: datetime
    session_id: str | None = None
    material_id: str | None = None
    tenant_id: str = "default"
    properties: dict[str, Any] = field(default_factory=dict)

    def __getattr__(self, name: str) -> Any:
        """A property. Raises AttributeError where the event has none of that name."""
        if not name.startswith("__") and name in self.properties:
            return self.properties[name]
        raise AttributeError(f"the event {self.event_type} has no property {name!r}")


def heard(event: Published) -> TrackedEvent:
    """What is told of a published event."""
    try:
        properties = msgspec.json.decode(event.properties)
    except msgspec.DecodeError:
        # a number that nothing can hold
        properties = {}
    return TrackedEvent(
        event_id=event.event_id,
        event_type=event.event_type,
        user_id=event.user_id,
        timestamp=event.timestamp,
        session_id=event.session_id or None,
        material_id=event.material_id or None,
        tenant_id=event.tenant_id,
        properties=properties if isinstance(properties, dict) else {},
    )
