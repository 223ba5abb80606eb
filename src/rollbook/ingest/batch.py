"""Batch: one request's events on their way in, with what was refused of them; and Receipt, what is answered."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

import msgspec

from rollbook.errors import NotJson
from rollbook.event import Event, Promoted
from rollbook.ingest.dialects import Dialect
from rollbook.ingest.reasons import Refusal, Rejected


@dataclass(slots=True)
class Batch:
    """Events of one body; `positions` are their indexes in it. Steps drop events, and fill in what is missing."""

    body: bytes
    dialect: Dialect
    received: datetime
    tenant: str
    key: str | None = None
    stage: str = "read"
    events: list[Event] = field(default_factory=list)
    properties: list[bytes] = field(default_factory=list)
    promoted: list[Promoted] = field(default_factory=list)
    positions: list[int] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    originals: list[bytes] | None = None

    def refuse(self, refused: dict[int, Refusal]) -> None:
        """Drop events by their present place in `events`."""
        for place, refusal in refused.items():
            position = self.positions[place]
            self.reject(position, refusal, self.original(position))
        kept = [place for place in range(len(self.events)) if place not in refused]
        self.events = [self.events[place] for place in kept]
        self.positions = [self.positions[place] for place in kept]

    def reject(self, position: int, refusal: Refusal, original: bytes) -> None:
        """Note one refused event."""
        self.rejected.append(Rejected(position, refusal.reason, refusal.detail, original, self.stage))

    def original(self, position: int) -> bytes:
        """The bytes of one event of the body."""
        if self.originals is None:
            self.originals = split(self.body)
        return self.originals[position]

    def size(self) -> int:
        """Bytes that it holds in memory, roughly."""
        return len(self.body)


@dataclass(slots=True)
class Receipt:
    """What became of a batch. Everything ingested is on disk; every duplicate's original is."""

    ingested: int = 0
    duplicates: int = 0
    rejected: list[Rejected] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)


def split(body: bytes) -> list[bytes]:
    """The events of a JSON list (or the one object), each as its own bytes. Raises NotJson, with the place."""
    if not body.strip():
        raise NotJson("the body is empty; send a JSON object or a list of them")
    try:
        if body.lstrip()[:1] == b"[":
            return [bytes(raw) for raw in _RAWS.decode(body)]
        msgspec.json.decode(body, type=msgspec.Raw)
    except (msgspec.DecodeError, RecursionError):
        return _split_slowly(body)
    return [body]


def _split_slowly(body: bytes) -> list[bytes]:
    """As `split`, but past text that is not Unicode inside an event, so that it spoils that event only."""
    text = body.decode("utf-8", "surrogateescape")
    found, place = [], _skip(text, 0)
    many = text[place] == "["
    place = _skip(text, place + many)
    try:
        while not (many and text[place : place + 1] == "]"):
            _, end = _SCANNER.raw_decode(text, place)
            found.append(text[place:end].encode("utf-8", "surrogateescape"))
            place = _skip(text, end)
            if not many:
                break
            if text[place : place + 1] == ",":
                place = _skip(text, place + 1)
            elif text[place : place + 1] != "]":
                _fail("expected a comma or ]", text, place)
    except RecursionError:
        raise NotJson("the body is nested too deep to be read") from None
    except json.JSONDecodeError as error:
        raise NotJson(f"the body is not JSON: {error.msg} at line {error.lineno}, column {error.colno}") from None
    if text[place + many :].strip():
        raise NotJson(f"the body is not JSON: more follows after its end, at character {place + many}")
    return found


def _fail(what: str, text: str, place: int) -> None:
    raise json.JSONDecodeError(what, text, place)


def _skip(text: str, place: int) -> int:
    while text[place : place + 1] in (" ", "\t", "\r", "\n") and place < len(text):
        place += 1
    return place


def joined(lines: Iterable[bytes]) -> bytes:
    """NDJSON lines as one JSON list."""
    return b"[" + b",".join(line for line in lines if line.strip()) + b"]"


_RAWS = msgspec.json.Decoder(list[msgspec.Raw])
_SCANNER = json.JSONDecoder()
