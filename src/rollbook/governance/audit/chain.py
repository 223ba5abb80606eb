"""The chain: how a line becomes a row that holds the hash of the row before it."""

import json
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from rollbook.governance.audit.keys import Keys
from rollbook.governance.audit.line import Line

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MOST_CHARACTERS = 300
MOST_DETAILS = 20

# what the hash covers, in this order: every column but the hash itself
COVERED = (
    "tenant", "chain", "number", "at", "action", "what", "actor", "credential", "person", "address", "why", "detail",
    "received", "recovered", "key", "previous",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Tail:
    """Where a chain ends: the number and hash of its last line, and when that was noted."""

    chain: str
    number: int = 0
    hash: str = ""
    at: datetime = EPOCH


@dataclass(frozen=True, slots=True)
class Digests:
    """Keyed digests of a line's actor, person and address; "" where there is none."""

    actor: str = ""
    person: str = ""
    address: str = ""


def chained(keys: Keys, tail: Tail, line: Line, at: datetime, digests: Digests) -> dict[str, Any]:
    """The row of a line that comes after `tail`."""
    row: dict[str, Any] = {
        "tenant": line.tenant,
        "chain": tail.chain,
        "number": tail.number + 1,
        # a chain's times never go back, whatever the clock does
        "at": max(at, tail.at),
        "action": line.action,
        "what": told(line.what, line),
        "actor": digests.actor,
        "credential": kind_of(line.credential),
        "person": digests.person,
        "address": digests.address,
        "why": told(line.why, line),
        "detail": detailed(line),
        "received": line.received or EPOCH,
        "recovered": int(line.recovered),
        "key": keys.id,
        "previous": tail.hash,
    }
    return row | {"hash": keys.hash(canonical(row))}


def canonical(row: Mapping[str, Any]) -> bytes:
    """What the hash of a row is made of."""
    values = [_plain(row[name]) for name in COVERED]
    return json.dumps(values, ensure_ascii=False, separators=(",", ":")).encode()


def after(row: Mapping[str, Any]) -> Tail:
    """The end of the chain, once this row is in it."""
    return Tail(row["chain"], row["number"], row["hash"], row["at"])


def kind_of(credential: str) -> str:
    """A credential as the chain may hold it: of a token, which names a person, only that it was one."""
    kind, _, _ = credential.partition(":")
    return credential[:MOST_CHARACTERS] if kind in ("key", "session") else kind


def told(text: str, line: Line) -> str:
    """A text of a line, without the names that must not stand in the chain, and without what no text should hold."""
    for name, value in (("person", line.person), ("actor", line.actor), ("address", line.address)):
        if value and value in text and value != line.credential:
            text = re.sub(rf"(?<!\w){re.escape(value)}(?!\w)", f"{{{name}}}", text)
    kept = "".join(c if unicodedata.category(c) not in ("Cc", "Cs") else " " for c in text)
    return kept[:MOST_CHARACTERS]


def detailed(line: Line) -> str:
    """The details as JSON."""
    some = list(line.detail.items())[:MOST_DETAILS]
    shown = {told(name, line): value if isinstance(value, int) else told(str(value), line) for name, value in some}
    return json.dumps(shown, ensure_ascii=False, sort_keys=True)


def _plain(value: Any) -> Any:
    return round(value.timestamp() * 1000) if isinstance(value, datetime) else value
