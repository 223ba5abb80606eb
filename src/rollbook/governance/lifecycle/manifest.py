"""Manifest: what an archive holds, written when all of it is there and was read back."""

import dataclasses
import hashlib
import json
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from rollbook.errors import Invalid

FORMAT = 1
NAME = "manifest.json"
ALL_KEYS = 1 << 128


@dataclass(frozen=True, slots=True)
class Part:
    """One file: its name, rows, bytes, SHA-256, and the sum of its events' keys modulo 2^128."""

    name: str
    rows: int
    bytes: int
    sha256: str
    keys: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """`days`: rows of each day of the zone; `upto`: events of those days received up to then; `columns`: the schema."""

    tenant: str
    archive: str
    zone: str
    upto: datetime
    first_received: datetime
    last_received: datetime
    days: dict[date, int]
    parts: tuple[Part, ...]
    columns: tuple[str, ...]
    format: int = FORMAT

    @property
    def rows(self) -> int:
        """How many events."""
        return sum(part.rows for part in self.parts)

    @property
    def keys(self) -> int:
        """The sum of all keys, modulo 2^128."""
        return sum(part.keys for part in self.parts) % ALL_KEYS

    def text(self) -> bytes:
        """As it is written; `checksum` covers all the rest."""
        plain = dataclasses.asdict(self) | {"rows": self.rows, "keys": f"{self.keys:032x}"}
        plain["days"] = {day.isoformat(): rows for day, rows in sorted(self.days.items())}
        plain["parts"] = [dataclasses.asdict(part) | {"keys": f"{part.keys:032x}"} for part in self.parts]
        for name in ("upto", "first_received", "last_received"):
            plain[name] = getattr(self, name).isoformat()
        return json.dumps(plain | {"checksum": _checksum(plain)}, indent=1, sort_keys=True).encode()


def parsed(text: bytes, place: str) -> Manifest:
    """A manifest that was read. Raises Invalid, naming the file, where it is not whole."""
    try:
        plain = json.loads(text)
        checksum = plain.pop("checksum")
        made = _made(plain)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Invalid(f"archive file {place} is damaged: {error}; nothing was restored from it") from error
    if checksum != _checksum(plain):
        raise Invalid(f"archive file {place} is damaged: its checksum differs; nothing was restored from it")
    return made


def _made(plain: dict[str, Any]) -> Manifest:
    if plain["format"] != FORMAT:
        raise ValueError(f"its format is {plain['format']}, this Rollbook reads {FORMAT}")
    return Manifest(
        tenant=plain["tenant"],
        archive=plain["archive"],
        zone=plain["zone"],
        upto=datetime.fromisoformat(plain["upto"]),
        first_received=datetime.fromisoformat(plain["first_received"]),
        last_received=datetime.fromisoformat(plain["last_received"]),
        days={date.fromisoformat(day): rows for day, rows in plain["days"].items()},
        parts=tuple(Part(**part | {"keys": int(part["keys"], 16)}) for part in plain["parts"]),
        columns=tuple(plain["columns"]),
    )


def _checksum(plain: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(plain, sort_keys=True, default=str).encode()).hexdigest()
