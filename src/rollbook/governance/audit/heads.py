"""Heads: signed ends of chains, kept in the records and, where a setting says so, off this machine.

A chain alone cannot show that its end was cut off; a head that somebody else has can.
"""

import json
import os
import threading
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import structlog

from rollbook.errors import RollbookError, Unavailable
from rollbook.governance.audit.keys import Keys
from rollbook.store import Store
from rollbook.store.records.audit import AuditRecords, Mark
from rollbook.store.records.database import Record

log = structlog.get_logger()

SEND_TIMEOUT_SECONDS = 10
SIGNED = ("tenant", "chain", "number", "hash", "at", "key")


class Heads:
    """Signs the ends of this process' chains, in regular turns."""

    def __init__(self, store: Store, keys: Keys) -> None:
        self._records = AuditRecords(store.records.database)
        self._keys = keys
        self._settings = store.settings
        self._signing = threading.Lock()
        self._signed_at = time.monotonic()
        self._written: dict[tuple[str, str], int] = {}
        self._unsent: dict[tuple[str, str], Record] = {}

    def due(self) -> bool:
        """Whether it is time for new heads."""
        return time.monotonic() - self._signed_at >= self._settings.audit_heads_seconds

    def write(self, ends: Sequence[tuple[str, str, int, str]]) -> None:
        """Sign those of these chains (tenant, chain, number, hash) that have grown, and send them. Raises Unavailable.

        What cannot be sent goes with the next ones.
        """
        with self._signing:
            grown = [end for end in ends if end[2] > self._written.get(end[:2], 0)]
            now = datetime.now(UTC)
            marks = [
                signed(self._keys, "head", {"tenant": t, "chain": c, "number": n, "hash": h, "at": now})
                for t, c, n, h in grown
            ]
            if marks:
                self._records.put_marks("head", marks)
            self._signed_at = time.monotonic()
            self._written |= {end[:2]: end[2] for end in grown}
            if self._settings.audit_heads:
                self._unsent |= {(mark["tenant"], mark["chain"]): mark for mark in marks}
                self._send(self._settings.audit_heads)

    def _send(self, where: str) -> None:
        if not self._unsent:
            return
        text = "".join(f"{as_json(mark)}\n" for mark in self._unsent.values())
        if "://" in where:
            post(where, text)
        else:
            append(Path(where), text)
        self._unsent = {}


def signed(keys: Keys, kind: Mark, mark: Mapping[str, Any]) -> Record:
    """A mark of a chain (`tenant, chain, number, hash, at`) with the key's id and the signature."""
    whole = {**mark, "key": keys.id}
    return whole | {"signature": keys.sign(statement(kind, whole))}


def statement(kind: Mark, mark: Mapping[str, Any]) -> bytes:
    """What is signed: one line that says what it is, and the mark as JSON with sorted names."""
    return f"rollbook audit {kind}\n{json.dumps(plain(mark), sort_keys=True, separators=(',', ':'))}".encode()


def plain(mark: Mapping[str, Any]) -> dict[str, Any]:
    """What a mark says, its time as ISO 8601 in UTC, to the millisecond."""
    said = {name: mark[name] for name in SIGNED}
    at = mark["at"]
    return said | {"at": at if isinstance(at, str) else at.astimezone(UTC).isoformat(timespec="milliseconds")}


def as_json(mark: Mapping[str, Any]) -> str:
    """A mark as one line of a file of heads."""
    return json.dumps(plain(mark) | {"signature": mark["signature"]}, sort_keys=True)


def append(path: Path, text: str) -> None:
    """Append to a file, on disk when this returns. Raises Unavailable."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        with os.fdopen(handle, "a") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise Unavailable(f"heads of the audit trail cannot be appended to {path}: {error.strerror}") from error


def post(address: str, text: str) -> None:
    """Send to an address. Raises Unavailable."""
    headers = {"content-type": "application/x-ndjson"}
    try:
        answer = httpx.post(address, content=text, headers=headers, timeout=SEND_TIMEOUT_SECONDS)
        answer.raise_for_status()
    except httpx.HTTPError as error:
        raise Unavailable(f"heads of the audit trail cannot be sent: {error or type(error).__name__}") from error


def quietly(heads: Heads, ends: Sequence[tuple[str, str, int, str]]) -> None:
    """Write the last heads at a stop; what fails is logged, for the stop goes on."""
    try:
        heads.write(ends)
    except RollbookError as error:
        log.warning("audit_heads_not_written", detail=error.detail, effect="the next start signs where lines come")
