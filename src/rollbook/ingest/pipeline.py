"""The way in, as a list of steps. Each looks at the whole batch first, and at single events only if something is wrong.

read -> identify -> admit -> disguise -> own -> permit -> date -> measure -> screen -> weigh -> check -> veil -> scrub
-> promote -> set_apart -> enrich -> withhold, and then the committer: dedup, insert, acknowledge.
"""

import operator
import re
import uuid
from codecs import BOM_UTF8
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import numpy as np

from rollbook.errors import TooLarge
from rollbook.event import Promoted
from rollbook.ingest import loose
from rollbook.ingest.batch import Batch, is_tenant, lines, split
from rollbook.ingest.checking.steps import check
from rollbook.ingest.columns import tabulate
from rollbook.ingest.enriching.enriching import enrich
from rollbook.ingest.minimising.steps import disguise, scrub, veil
from rollbook.ingest.permitting.admission import admit, own
from rollbook.ingest.permitting.steps import permit, set_apart, withhold
from rollbook.ingest.reasons import Refusal
from rollbook.scores import HIGHEST, LOWEST
from rollbook.settings import Settings

Step = Callable[[Batch, Settings], None]

Absent = msgspec.Raw | msgspec.UnsetType

_TEXTS = ("type", "id", "user", "source", "tenant")
_STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_first_byte = operator.itemgetter(slice(0, 1))
_OBJECTS = frozenset([b"{"])
_STEPS = bytes({0x7B: 1, 0x5B: 1, 0x7D: 0xFF, 0x5D: 0xFF}.get(byte, 0) for byte in range(256))


def read(batch: Batch, settings: Settings) -> None:
    """Decode the body: all at once where every event fits the dialect, else one by one. Raises NotJson, TooLarge."""
    if batch.lines:
        batch.originals = lines(batch.body, batch.most)
        batch.body = b"[" + b",".join(batch.originals) + b"]"
    elif batch.body[:3] == BOM_UTF8:
        batch.body = batch.body[3:]
    if loose.suspect(batch.body):
        _read_each(batch)
        return
    try:
        batch.events = batch.dialect.read(batch.body)
    except (msgspec.DecodeError, RecursionError):
        _read_each(batch)
        return
    if batch.originals is not None and len(batch.events) != len(batch.originals):
        # half objects on two lines make one together
        _read_each(batch)
        return
    if len(batch.events) > batch.most:
        raise TooLarge(f"{len(batch.events)} events in one request; at most {batch.most} are allowed")
    batch.positions = list(range(len(batch.events)))


def _read_each(batch: Batch) -> None:
    batch.events = []
    if batch.originals is None:
        batch.originals = split(batch.body, batch.most)
    for position, original in enumerate(batch.originals):
        try:
            event = batch.dialect.read_one(original)
        except Refusal as refusal:
            batch.reject(position, refusal, original, batch.dialect.tenant_of(original))
        else:
            batch.events.append(event)
            batch.positions.append(position)


def identify(batch: Batch, settings: Settings) -> None:
    """Give a tenant and an id to events without; an id from the Idempotency-Key and the index, else a random one."""
    for event, position in zip(batch.events, batch.positions, strict=True):
        if not event.tenant:
            event.tenant = batch.tenant
        if not event.id:
            event.id = f"{batch.key}:{position}" if batch.key else str(uuid.uuid4())


def date(batch: Batch, settings: Settings) -> None:
    """No timestamp: the time of receipt. No zone: UTC. Refuse what lies before the earliest year or too far ahead."""
    earliest = datetime(settings.earliest_year, 1, 1, tzinfo=UTC)
    latest = batch.received + timedelta(seconds=settings.max_future_seconds)
    try:
        # None among them is a TypeError too
        times: list[Any] = [event.timestamp for event in batch.events]
        if times and earliest <= (oldest := min(times)) and max(times) <= latest:
            batch.oldest = oldest
            return
    except TypeError:
        for event in batch.events:
            event.timestamp = _in_utc(event.timestamp, batch.received)
    refused = {}
    for place, event in enumerate(batch.events):
        assert event.timestamp is not None
        if event.timestamp > latest:
            refused[place] = Refusal("timestamp_in_future")
        elif event.timestamp < earliest:
            refused[place] = Refusal("timestamp_too_old")
    if refused:
        batch.refuse(refused)
    batch.oldest = min((event.timestamp for event in batch.events if event.timestamp), default=None)


def _in_utc(moment: datetime | None, received: datetime) -> datetime:
    if moment is None:
        return received
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def measure(batch: Batch, settings: Settings) -> None:
    """Refuse an empty type, what no tenant may be called, and ids, users, types and sources that are too long."""
    most = settings.max_id_length
    # of types, sources and tenants there are few different ones
    types, sources = batch.types(), {event.source or "" for event in batch.events}
    ids, users = [event.id or "" for event in batch.events], [event.user or "" for event in batch.events]
    short = all(max(map(len, one), default=0) <= most for one in (types, ids, users, sources))
    if short and all(map(str.strip, types)) and all(is_tenant(tenant, most) for tenant in batch.tenants()):
        return
    refused = {}
    for place, event in enumerate(batch.events):
        values = (event.type, ids[place], users[place], event.source or "", event.tenant or "")
        if not values[0].strip():
            refused[place] = Refusal("invalid_type")
        if not is_tenant(values[-1], most):
            refused[place] = Refusal("invalid_tenant")
        for name, value in zip(_TEXTS, values, strict=True):
            if len(value) > most:
                refused[place] = Refusal("too_long", f"{name} has {len(value)} characters, at most {most} are allowed")
    batch.refuse(refused)


def screen(batch: Batch, settings: Settings) -> None:
    """Refuse event types that are denied, or that are not among those allowed."""
    allowed, denied = settings.allowed, settings.denied
    if not allowed and not denied:
        return
    refused = {
        place: Refusal("type_not_allowed", f"event type {event.type!r} is not allowed here")
        for place, event in enumerate(batch.events)
        if event.type in denied or (allowed and event.type not in allowed)
    }
    if refused:
        batch.refuse(refused)


def weigh(batch: Batch, settings: Settings) -> None:
    """Refuse properties that are no object, too large, or nested too deep."""
    texts = [bytes(event.properties) for event in batch.events]
    flat = _is_flat(texts)
    small = max(map(len, texts), default=0) <= settings.max_event_bytes
    if not (flat and small and set(map(_first_byte, texts)) <= _OBJECTS):
        refused = {place: refusal for place, text in enumerate(texts) if (refusal := _too_heavy(text, settings))}
        if refused:
            batch.refuse(refused)
            texts = [bytes(event.properties) for event in batch.events]
        texts = [b"{}" if text == b"null" else text for text in texts]
    batch.properties = texts


def _is_flat(texts: Sequence[bytes]) -> bool:
    """Whether there are no more { and [ in all of them together than one each."""
    together = b"".join(texts)
    return together.count(b"{") + together.count(b"[") <= len(texts)


def _too_heavy(text: bytes, settings: Settings) -> Refusal | None:
    if text[:1] != b"{":
        return None if text == b"null" else Refusal("invalid_properties")
    if len(text) > settings.max_event_bytes:
        return Refusal("properties_too_large", f"the properties have {len(text)} bytes")
    if text.count(b"{") + text.count(b"[") > settings.max_nesting and _depth(text) > settings.max_nesting:
        return Refusal("nested_too_deep")
    return None


def _depth(text: bytes) -> int:
    """How deep a JSON text is nested; brackets inside texts do not count."""
    steps = np.frombuffer(_STRING.sub(b"", text).translate(_STEPS), np.int8)
    return int(np.cumsum(steps, dtype=np.int32).max(initial=0))


class _Told(Promoted, kw_only=True, gc=False):
    """What is promoted, and what may say that the score is not what `score` says."""

    result: Absent = msgspec.UNSET
    generated: Absent = msgspec.UNSET
    given: Absent = msgspec.field(name="scoreGiven", default=msgspec.UNSET)
    maximum: Absent = msgspec.field(name="maxScore", default=msgspec.UNSET)
    maximum_of_lti: Absent = msgspec.field(name="scoreMaximum", default=msgspec.UNSET)
    maximum_in_words: Absent = msgspec.field(name="max_score", default=msgspec.UNSET)


_told = msgspec.json.Decoder(_Told).decode


def promote(batch: Batch, settings: Settings) -> None:
    """Read the properties that have columns of their own; a value that no column can keep stays a property only."""
    try:
        batch.promoted = _scored([_told(text) for text in batch.properties], batch.properties)
    except (msgspec.DecodeError, RecursionError):
        batch.promoted = [_tolerantly(text) for text in batch.properties]
    longest = settings.max_id_length
    if max(map(len, batch.properties), default=0) <= longest:
        return
    for text, found in zip(batch.properties, batch.promoted, strict=True):
        if len(text) > longest:
            _cut(found, longest)


def _tolerantly(text: bytes) -> Promoted:
    try:
        return _scored([_told(text)], [text])[0]
    except msgspec.DecodeError:
        return loose.promoted(text)
    except RecursionError:
        return Promoted()


def _scored(told: list[_Told], texts: Sequence[bytes]) -> list[Promoted]:
    """With scores from 0 to 100, or none; a plain one costs next to nothing."""
    absent = msgspec.UNSET
    for one, text in zip(told, texts, strict=True):
        score = one.score
        if score is None:
            if one.result is absent and one.given is absent and one.generated is absent:
                continue
        elif one.maximum is absent and one.maximum_of_lti is absent and one.maximum_in_words is absent:
            if not LOWEST <= score <= HIGHEST:
                one.score = None
            continue
        one.score = loose.promoted(text).score
    return list[Promoted](told)


def _cut(found: Promoted, longest: int) -> None:
    """Ids in columns are of bounded length; the properties keep them as they came."""
    for name in loose.IDS:
        value = getattr(found, name)
        if value is not None and len(value) > longest:
            setattr(found, name, value[:longest])


STEPS: tuple[Step, ...] = (
    *(read, identify, admit, disguise, own, permit),
    *(date, measure, screen, weigh, check, veil, scrub, promote, set_apart, enrich, withhold),
)


def prepare(batch: Batch, settings: Settings) -> Batch:
    """Take a batch through all steps; single events are refused in it. Raises NotJson; TooLarge over `batch.most`."""
    batch.longest = settings.max_id_length
    for step in STEPS:
        batch.stage = step.__name__
        step(batch, settings)
    tabulate(batch)
    return batch
