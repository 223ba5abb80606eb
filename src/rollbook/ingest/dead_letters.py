"""Dead letters: looked at, counted, and taken in again once what was wrong is mended."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from rollbook.errors import BadRequest
from rollbook.ingest.dialects import DIALECTS
from rollbook.ingest.intake import Intake
from rollbook.store import dead_letters
from rollbook.store.engine import Row

MOST_AT_ONCE = 10_000


@dataclass(slots=True)
class Replay:
    """What a replay did: letters taken in, letters whose events were there already, and those that still fail."""

    replayed: int = 0
    duplicates: int = 0
    failed: list[dict[str, Any]] = field(default_factory=list)


def shown(row: Row) -> dict[str, Any]:
    """A letter as it is answered: `body` is the original text; base64 where `encoding` says so."""
    kept = row["body"] if row["encoding"] == "base64" else str(row["body"])
    return {
        "id": row["id"],
        "received": row["received"],
        "dialect": row["dialect"],
        "stage": row["stage"],
        "reason": row["reason"],
        "detail": row["detail"],
        "index": row["position"],
        "body": kept,
        "encoding": row["encoding"],
        "bytes": row["bytes"],
        "replayed": row["replayed"],
    }


def replay(intake: Intake, tenant: str, ids: list[str] | None = None, reason: str | None = None) -> Replay:
    """Take letters in again: those named, else all of a reason (or all) that were not replayed yet.

    Each letter keeps one event id however often it is replayed, so that replaying twice counts once.
    """
    engine = intake.store.engine
    if ids is None:
        rows = dead_letters.listed(engine, tenant, reason=reason, replayed=False, limit=MOST_AT_ONCE)[::-1]
    else:
        rows = dead_letters.found(engine, tenant, ids)
    result = Replay()
    done = [row["id"] for row in rows if _take(intake, tenant, row, result)]
    if done:
        dead_letters.mark_replayed(engine, tenant, done, datetime.now(UTC))
    missing = set(ids or ()) - {row["id"] for row in rows}
    result.failed += [{"id": key, "reason": "not_found", "detail": "no such dead letter"} for key in sorted(missing)]
    return result


def _take(intake: Intake, tenant: str, row: Row, result: Replay) -> bool:
    original = dead_letters.original(row)
    if len(original) < row["bytes"]:
        detail = f"only {len(original)} of its {row['bytes']} bytes were kept (ROLLBOOK_MAX_DEAD_LETTER_BYTES)"
        result.failed.append({"id": row["id"], "reason": "cut", "detail": detail})
        return False
    dialect = row["dialect"] if row["dialect"] in DIALECTS else "native"
    try:
        receipt = intake.take_now(original, dialect, tenant, f"dead-letter:{row['id']}", letters=False)
    except BadRequest as error:
        result.failed.append({"id": row["id"], "reason": row["reason"], "detail": error.detail})
        return False
    if receipt.rejected:
        first = receipt.rejected[0]
        result.failed.append({"id": row["id"], "reason": first.reason, "detail": first.detail})
        return False
    result.replayed += receipt.ingested
    result.duplicates += receipt.duplicates
    return True
