"""Samples: document 5's `Metric` objects, read as the events that they are kept as."""

import msgspec

from rollbook.ingest.loose import Fields

NAMES = {"name": "metric_name", "value": "metric_value", "type": "metric_type", "metric_id": "event_id"}
TYPE = msgspec.Raw(b'"system.metric"')
# what no sample can have for a name or a value
NOTHING = (None, msgspec.Raw(b"null"), msgspec.Raw(b'""'))

_many = msgspec.json.Decoder(list[msgspec.Raw]).decode
_one = msgspec.json.Decoder(Fields).decode


def as_events(body: bytes, *, lines: bool) -> bytes:
    """The body with every sample as an event of document 5; what is no object stays as it is, to be refused.

    A sample without a name or a value becomes an event without a type, which is refused, too.
    """
    if lines:
        return b"\n".join(_event(line) for line in body.splitlines())
    if body.lstrip()[:1] != b"[":
        return _event(body)
    try:
        return b"[" + b",".join(_event(bytes(one)) for one in _many(body)) + b"]"
    except msgspec.DecodeError:
        return body


def _event(original: bytes) -> bytes:
    try:
        sample = _one(original)
    except msgspec.DecodeError:
        return original
    event = {NAMES.get(name, name): value for name, value in sample.items() if name != "event_type"}
    if event.get("metric_name") not in NOTHING and event.get("metric_value") not in NOTHING:
        event["event_type"] = TYPE
    return msgspec.json.encode(event)
