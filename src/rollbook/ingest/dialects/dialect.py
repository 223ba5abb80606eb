"""The form of a dialect: one event shape, read fast where it fits and tolerantly where it does not."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from rollbook.event import Event
from rollbook.ingest import loose
from rollbook.ingest.reasons import Refusal

# The event's fields under any name that a dialect may use for them
Names = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, eq=False)
class Dialect:
    """`shape` is the event as its document writes it; `names` are the field names that the tolerant reader takes.

    `finish`, where given, turns a decoded shape into its final form (document 5's subclasses); it may raise Refusal.
    """

    name: str
    shape: type[Event]
    names: Names
    finish: Callable[[Any], Event] | None = None
    finish_fields: Callable[[dict[str, Any]], None] | None = None
    one: msgspec.json.Decoder[Event] = field(init=False)
    many: msgspec.json.Decoder[list[Event]] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "one", msgspec.json.Decoder(self.shape))
        object.__setattr__(self, "many", msgspec.json.Decoder(list[self.shape]))  # type: ignore[name-defined]

    def read(self, body: bytes) -> list[Event]:
        """All events of a body (one object or a list), fast. Raises msgspec.DecodeError if any does not fit."""
        events = self.many.decode(body) if body.lstrip()[:1] == b"[" else [self.one.decode(body)]
        return [self.finish(event) for event in events] if self.finish else events

    def read_one(self, original: bytes) -> Event:
        """One event, tolerantly: other spellings of times and ids, unknown fields kept. Raises Refusal."""
        try:
            fields = loose.document(original)
            if self.finish_fields:
                self.finish_fields(fields)
            return loose.event(fields, self.names)
        except RecursionError:
            raise Refusal("nested_too_deep") from None
