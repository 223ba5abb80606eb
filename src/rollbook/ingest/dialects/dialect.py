"""The form of a dialect: one event shape, read fast where it fits and tolerantly where it does not."""

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from rollbook.event import Event
from rollbook.ingest import loose
from rollbook.ingest.reasons import Refusal

# The event's fields under any name that a dialect may use for them
Names = Mapping[str, tuple[str, ...]]


class _Decoders:
    """Of one shape: a single event, and a list of them."""

    def __init__(self, shape: type[Event], finish: Callable[[Any], Event] | None) -> None:
        self._one = msgspec.json.Decoder(shape).decode
        self._many = msgspec.json.Decoder(list[shape]).decode  # type: ignore[valid-type]
        self._finish = finish

    def read(self, body: bytes, many: bool) -> list[Event]:
        """The events of a body."""
        events: list[Event] = self._many(body) if many else [self._one(body)]
        return list(map(self._finish, events)) if self._finish else events


@dataclass(frozen=True, eq=False)
class Dialect:
    """`shape` is the event as its document writes it; `names` are the field names that the tolerant reader takes.

    Of a dialect with more than the canonical fields, `plain` is the shape without them, tried first; `finish` turns a
    decoded shape into its final form, and `gather` does so for the tolerant reader: it takes its own fields out, and
    gives what goes to the properties, below the event's own and above them. Both may raise. `user_within` finds the
    user where it may stand elsewhere than under `names`; "" where it does not.
    """

    name: str
    shape: type[Event]
    names: Names
    plain: type[Event] | None = None
    finish: Callable[[Any], Event] | None = None
    gather: Callable[[loose.Fields], tuple[loose.Fields, dict[str, Any]]] | None = None
    user_within: Callable[[bytes], str] | None = None
    _shapes: tuple[_Decoders, ...] = field(init=False)

    def __post_init__(self) -> None:
        tried = [_Decoders(self.plain, None)] if self.plain else []
        object.__setattr__(self, "_shapes", (*tried, _Decoders(self.shape, self.finish)))

    def read(self, body: bytes) -> list[Event]:
        """All events of a body (one object or a list), fast. Raises msgspec.DecodeError if any does not fit."""
        many = body.lstrip()[:1] == b"["
        for decoders in self._shapes[:-1]:
            with contextlib.suppress(msgspec.DecodeError):
                return decoders.read(body, many)
        return self._shapes[-1].read(body, many)

    def read_one(self, original: bytes) -> Event:
        """One event, tolerantly: other spellings of times and ids, unknown fields kept. Raises Refusal."""
        try:
            fields = loose.fields_of(original)
            data, own = self.gather(fields) if self.gather else ({}, {})
            return loose.event(fields, self.names, data, own)
        except RecursionError:
            raise Refusal("nested_too_deep") from None

    def tenant_of(self, original: bytes) -> str:
        """Whose an event is that cannot be read whole; "" where it does not say."""
        return loose.tenant_of(original, self.names)

    def user_of(self, original: bytes) -> str:
        """Of whom an event is that was refused; "" where it does not say."""
        found = loose.user_of(original, self.names)
        return found or (self.user_within(original) if self.user_within else "")
