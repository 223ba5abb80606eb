"""Telling: the traits that `identify` events bring, for the records of learners."""

import math
from typing import Any

import msgspec

from rollbook.event import Event
from rollbook.governance.minimisation import scrubbing
from rollbook.ingest.batch import Batch
from rollbook.store.records.learners import Told

IDENTIFY = "identify"
MOST_TRAITS = 50
MOST_NAME_CHARACTERS = 256
MOST_TEXT_CHARACTERS = 1_000
# what a learner's own token cannot say of them
NOT_THEIRS = ("segment", "tier", "customer_tier", "plan", "lifetime_value")

_traits = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


def told_by(batch: Batch) -> list[Told]:
    """What the `identify` events of a batch tell of their users."""
    if IDENTIFY not in batch.types():
        return []
    return [
        Told(tenant=event.tenant or "", id=event.id or "", user=event.user, at=event.timestamp, traits=traits)
        for place, event in enumerate(batch.events)
        if event.type == IDENTIFY and event.user and event.timestamp is not None
        if (traits := _told(batch, event, batch.properties[place]))
    ]


def _told(batch: Batch, event: Event, properties: bytes) -> dict[str, Any]:
    """The traits that can be kept: short texts, numbers, yes and no; null takes one back.

    Where users are pseudonyms, names, addresses and numbers that lead to a person are taken out.
    """
    raw = bytes(_traits(properties).get("traits", b""))
    if raw[:1] != b"{":
        return {}
    if (event.tenant or "") in batch.chains:
        raw = _without_names(raw)
    if batch.sender is not None and batch.sender.user is not None:
        raw = msgspec.json.encode({name: value for name, value in _traits(raw).items() if name not in NOT_THEIRS})
    return dict([pair for pair in _values(raw).items() if _can_be_kept(*pair)][:MOST_TRAITS])


def _without_names(raw: bytes) -> bytes:
    """The traits, scrubbed as what stands within a person."""
    whole = scrubbing.scrubbed(b'{"person":' + raw + b"}", ())
    return bytes(_traits(whole)["person"])


def _values(raw: bytes) -> dict[str, Any]:
    try:
        found: dict[str, Any] = msgspec.json.decode(raw, type=dict[str, Any])
    except msgspec.DecodeError:
        # a number that nothing can hold
        return {}
    return found


def _can_be_kept(name: str, value: Any) -> bool:
    if not name or len(name) > MOST_NAME_CHARACTERS or "\x00" in name:
        return False
    if isinstance(value, str):
        return len(value) <= MOST_TEXT_CHARACTERS and "\x00" not in value
    if isinstance(value, float):
        return math.isfinite(value)
    return value is None or isinstance(value, bool) or (isinstance(value, int) and abs(value) < 1 << 63)
