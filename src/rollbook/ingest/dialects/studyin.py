"""Document 2: event_type, properties; the user is the token's, else `user_id` beside the type or in the properties."""

from typing import Any

import msgspec
from msgspec import Raw, field

from rollbook.event import EMPTY, Event, stored_type
from rollbook.ingest import loose
from rollbook.ingest.dialects.dialect import Dialect
from rollbook.ingest.reasons import Refusal

USER = "user_id"
_USER = b"user_id"


class StudyinEvent(Event, forbid_unknown_fields=True):
    """An event as document 2 writes it, with an optional user_id, event_id, timestamp, tenant_id, source_service."""

    type: str = field(name="event_type")
    user: str | None = field(name="user_id", default=None)
    id: str | None = field(name="event_id", default=None)
    tenant: str | None = field(name="tenant_id", default=None)
    source: str | None = field(name="source_service", default=None)
    properties: Raw = field(name="properties", default=EMPTY)


def finish(shape: StudyinEvent) -> Event:
    """The canonical event. Raises DecodeError: read it tolerantly."""
    shape.type = stored_type(shape.type)
    if not shape.user and _USER in bytes(shape.properties):
        try:
            properties = loose.members(shape.properties)
            shape.user = loose.text(loose.decoded(properties.pop(USER, None), "invalid_user"), "invalid_user")
            shape.properties = loose.encoded(properties)
        except Refusal as refusal:
            raise msgspec.DecodeError(refusal.detail) from None
    return shape


def gather(fields: loose.Fields) -> tuple[loose.Fields, dict[str, Any]]:
    """The same for the tolerant reader, in the fields themselves. Raises Refusal."""
    type = loose.decoded(fields.get("event_type"), "invalid_type")
    if isinstance(type, str):
        fields["event_type"] = Raw(msgspec.json.encode(stored_type(type)))
    named = loose.decoded(fields.get(USER), "invalid_user")
    properties = loose.members(fields.get("properties"))
    if named in (None, "") and USER in properties:
        fields[USER] = properties.pop(USER)
        fields["properties"] = loose.encoded(properties)
    return {}, {}


def user_within(original: bytes) -> str:
    """The user that the properties name, of an event that may not be readable otherwise; "" where they do not."""
    try:
        properties = loose.members(loose.fields_of(original).get("properties"))
        return loose.text(loose.decoded(properties.get(USER), "invalid_user"), "invalid_user") or ""
    except (Refusal, RecursionError):
        return ""


STUDYIN = Dialect(
    name="studyin",
    shape=StudyinEvent,
    names={
        "type": ("event_type",),
        "user": ("user_id",),
        "timestamp": ("timestamp",),
        "id": ("event_id",),
        "tenant": ("tenant_id",),
        "source": ("source_service",),
        "properties": ("properties",),
    },
    finish=finish,
    gather=gather,
    user_within=user_within,
)
