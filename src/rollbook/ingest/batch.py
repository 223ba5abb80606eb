"""Batch: one request's events on their way in, with what was refused of them; and Receipt, what is answered."""

import itertools
import json
import re
from collections import Counter
from collections.abc import Callable, Container
from dataclasses import dataclass, field
from datetime import datetime
from typing import NoReturn

import msgspec
import pyarrow as pa

from rollbook.errors import NotJson, TooLarge
from rollbook.event import Event, Promoted
from rollbook.governance.consent import Standing
from rollbook.governance.definitions import Definitions
from rollbook.governance.pseudonyms import Chain, Pseudonyms
from rollbook.ingest.dialects import Dialect
from rollbook.ingest.reasons import NOT_THEIRS, Refusal, Rejected
from rollbook.store.privacy.message_texts import MessageText
from rollbook.store.records.learners import Told


@dataclass(frozen=True, slots=True)
class Sender:
    """Who sends: events of `tenant` only (None: of any), of `user` only (as stored; None: of anyone), and none of
    `barred_types`. `speaks_for`: of whom (as stored) events without a user are. `credential`: what they showed, safe to
    write down.
    """

    tenant: str | None = None
    user: str | None = None
    barred_types: frozenset[str] = frozenset()
    credential: str = ""
    speaks_for: str = ""


@dataclass(slots=True)
class Batch:
    """Events of one body; `positions` are their indexes in it. Steps drop events, and fill in what is missing.

    `tenant` is that of events that name none; `lines`: the body is NDJSON; `rows`: those of a large batch.
    `chains`: of those tenants whose users have pseudonyms; then `users` are the ids that the events came with, and
    `sent_as` those of events whose own are hidden, too.
    `standing`: how the people of a tenant stand to the purposes; `texts`: what was said in messages, apart.
    `definitions`: what events are held against; `enriching` adds to them; `told`: traits that they bring; `notes`: how
    many are invalid or not enriched whole, by tenant and outcome.
    """

    body: bytes
    dialect: Dialect
    received: datetime
    tenant: str
    key: str | None = None
    most: int = 200_000
    longest: int = 256
    lines: bool = False
    stage: str = "read"
    events: list[Event] = field(default_factory=list)
    properties: list[bytes] = field(default_factory=list)
    promoted: list[Promoted] = field(default_factory=list)
    positions: list[int] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    originals: list[bytes] | None = None
    oldest: datetime | None = None
    rows: pa.Table | None = None
    sender: Sender | None = None
    pseudonyms: Pseudonyms | None = None
    chains: dict[str, Chain] = field(default_factory=dict)
    users: list[str] = field(default_factory=list)
    sent_as: dict[str, str] = field(default_factory=dict)
    standing: Callable[[str], Standing] | None = None
    texts: list[MessageText] = field(default_factory=list)
    definitions: Definitions | None = None
    enriching: "Callable[[Batch], None] | None" = None
    told: list[Told] = field(default_factory=list)
    notes: Counter[tuple[str, str]] = field(default_factory=Counter)
    _looked_at: list[Event] | None = None
    _tenants: frozenset[str] = frozenset()
    _types: frozenset[str] = frozenset()

    def tenants(self) -> frozenset[str]:
        """Whose its events are; there are few."""
        self._look()
        return self._tenants

    def types(self) -> frozenset[str]:
        """What types its events have; there are few."""
        self._look()
        return self._types

    def _look(self) -> None:
        """Look once through the events: every list of them is another."""
        if self._looked_at is not self.events:
            self._looked_at = self.events
            self._tenants = frozenset([event.tenant or "" for event in self.events])
            self._types = frozenset([event.type for event in self.events])

    def refuse(self, refused: dict[int, Refusal]) -> None:
        """Drop events by their present place in `events`."""
        for place, refusal in refused.items():
            position, event = self.positions[place], self.events[place]
            self.reject(position, refusal, self.original(position), event.tenant, source=event.source or "")
        self.drop(refused)

    def drop(self, places: Container[int]) -> None:
        """Leave events out by their present place in `events`."""
        kept = [place for place in range(len(self.events)) if place not in places]
        self.events = [self.events[place] for place in kept]
        self.positions = [self.positions[place] for place in kept]
        if self.users:
            self.users = [self.users[place] for place in kept]

    def reject(self, position: int, refusal: Refusal, original: bytes, tenant: str | None, *, source: str = "") -> None:
        """Note one refused event; `tenant` is what it says itself, where its sender may speak for any."""
        bound = self.sender is not None and self.sender.tenant is not None
        owner = tenant if not bound and tenant and is_tenant(tenant, self.longest) else self.tenant
        # what a sender may not send must not come in by a replay either
        kept = refusal.reason not in NOT_THEIRS
        body = original if kept else b""
        told = (position, refusal.reason, refusal.detail, body, self.stage, owner)
        self.rejected.append(Rejected(*told, kept=kept, source=source[: self.longest]))

    def original(self, position: int) -> bytes:
        """The bytes of one event of the body."""
        if self.originals is None:
            self.originals = split(self.body, self.most)
        return self.originals[position]

    def ids(self) -> list[str]:
        """The ids of its events, as their sender knows them."""
        ids = [event.id or "" for event in self.events]
        return [self.sent_as.get(id, id) for id in ids] if self.sent_as else ids

    def size(self) -> int:
        """Bytes that it holds in memory, roughly."""
        return len(self.body)


def is_tenant(name: str, longest: int) -> bool:
    """Whether a tenant may be called so. A control character could make two tenants' events look like one's."""
    return len(name) <= longest and _CONTROL.search(name) is None


@dataclass(slots=True)
class Receipt:
    """What became of a batch. Everything ingested is on disk; every duplicate's original is.

    `withheld`: of a bulk load, those of people who may not be counted.
    """

    ingested: int = 0
    duplicates: int = 0
    rejected: list[Rejected] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    withheld: int = 0


def split(body: bytes, most: int) -> list[bytes]:
    """The events of a JSON list (or the one object), each as its own bytes.

    Raises NotJson, with the place; TooLarge if there are more than `most`.
    """
    if not body.strip():
        raise NotJson("the body is empty; send a JSON object or a list of them")
    try:
        # with so many commas it may be a list of millions of numbers, which is better stopped half-way
        if body.lstrip()[:1] == b"[" and body.count(b",") <= most * MOST_FIELDS:
            return limited([bytes(raw) for raw in _RAWS.decode(body)], most)
        msgspec.json.decode(body, type=msgspec.Raw)
    except (msgspec.DecodeError, RecursionError):
        return _split_slowly(body, most)
    return [body] if body.lstrip()[:1] != b"[" else _split_slowly(body, most)


def limited(events: list[bytes], most: int) -> list[bytes]:
    """The same events. Raises TooLarge if they are too many."""
    if len(events) > most:
        raise TooLarge(f"more than {most} events in one request; at most {most} are allowed")
    return events


def lines(body: bytes, most: int) -> list[bytes]:
    """The lines of NDJSON, without empty ones. Raises TooLarge if there are more than `most`."""
    filled = (found for match in _LINE.finditer(body) if (found := match.group().strip()))
    return limited(list(itertools.islice(filled, most + 1)), most)


def _split_slowly(body: bytes, most: int) -> list[bytes]:
    """As `split`, but past what spoils one event only: text that is not Unicode, too deep nesting, huge numbers."""
    text = body.decode("utf-8", "surrogateescape")
    found: list[bytes] = []
    place = _skip(text, 0)
    many = text[place] == "["
    place = _skip(text, place + many)
    going = not (many and text[place : place + 1] == "]")
    try:
        while going:
            end = _end(text, place)
            found.append(text[place:end].encode("utf-8", "surrogateescape"))
            place = _skip(text, end)
            if not many:
                break
            limited(found, most)
            going = text[place : place + 1] == ","
            if going:
                place = _skip(text, place + 1)
            elif text[place : place + 1] != "]":
                _fail("expected a comma or ]", text, place)
    except json.JSONDecodeError as error:
        raise NotJson(f"the body is not JSON: {error.msg} at line {error.lineno}, column {error.colno}") from None
    if text[place + many :].strip():
        raise NotJson(f"the body is not JSON: more follows after its end, at character {place + many}")
    return found


def _end(text: str, place: int) -> int:
    """Where the value that begins here ends; one that is nested too deep to be read, by its brackets."""
    try:
        return _SCANNER.raw_decode(text, place)[1]
    except RecursionError:
        depth = 0
        for match in _BRACKET.finditer(text, place):
            depth += {"{": 1, "[": 1, "}": -1, "]": -1}.get(match.group()[0], 0)
            if not depth:
                return match.end()
        return _fail("a bracket is not closed", text, place)


def _fail(what: str, text: str, place: int) -> NoReturn:
    raise json.JSONDecodeError(what, text, place)


def _skip(text: str, place: int) -> int:
    return _SPACE.match(text, place).end()  # type: ignore[union-attr]


MOST_FIELDS = 100

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")

_RAWS = msgspec.json.Decoder(list[msgspec.Raw])
# it only finds where an event ends: numbers are passed over, the largest are errors to Python; so are bare line ends in
# a text, which are an error of that event alone
_SCANNER = json.JSONDecoder(parse_int=str, parse_float=str, strict=False)
_SPACE = re.compile(r"[ \t\r\n]*")
_BRACKET = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[\[{}\]]', re.DOTALL)
_LINE = re.compile(rb"[^\r\n]+")
