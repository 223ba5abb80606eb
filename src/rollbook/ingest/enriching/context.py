"""The one property under which Rollbook writes what it adds to an event: `context`."""

from typing import Any

import msgspec

CONTEXT = "context"
# what is wrong with an event that breaks its definition; which enrichers failed
PROBLEMS, FAILED = "problems", "enrichment_failed"
# where a sender's own context, which is no object, is kept
SENT = "sent"

_NAMED = b'"context"'
_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_encode = msgspec.json.Encoder().encode


def with_context(properties: bytes, added: dict[str, Any]) -> bytes:
    """The properties (a JSON object) with more in their context; what a sender wrote there under other names stays."""
    if _NAMED in properties or b"\\" in properties:
        return _merged(properties, added)
    rest = properties.strip()[1:-1].strip()
    return b"".join((b"{", rest, b"," if rest else b"", _NAMED, b":", _encode(added), b"}"))


def _merged(properties: bytes, added: dict[str, Any]) -> bytes:
    whole = _members(properties)
    sent = bytes(whole.get(CONTEXT, b"{}"))
    theirs: dict[str, Any] = dict(_members(sent)) if sent[:1] == b"{" else {SENT: msgspec.Raw(sent)}
    whole[CONTEXT] = msgspec.Raw(_encode(theirs | added))
    return _encode(whole)
