"""Dead letters: looked at, counted, and taken in again once what was wrong is mended."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from rollbook.errors import BadRequest, Invalid, TooLarge
from rollbook.governance.letters import opened
from rollbook.ingest.batch import Receipt, Sender
from rollbook.ingest.dialects import DIALECTS
from rollbook.ingest.intake import Intake
from rollbook.store import dead_letters
from rollbook.store.engine import Row

MOST_AT_ONCE = 10_000
MOST_UNDER_WAY = 500


@dataclass(slots=True)
class Replay:
    """What a replay did: letters taken in, letters whose events were there already, and those that still fail."""

    replayed: int = 0
    duplicates: int = 0
    failed: list[dict[str, Any]] = field(default_factory=list)


def shown(row: Row) -> dict[str, Any]:
    """A letter as it is answered: `body` is the original text; base64 where `encoding` says so.

    `sealed`: its key was destroyed, and nobody can read it.
    """
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


def replay(
    intake: Intake,
    tenant: str,
    ids: list[str] | None = None,
    reason: str | None = None,
    *,
    sender: Sender | None = None,
) -> Replay:
    """Take letters in again: those named, else all of a reason (or all) that were not replayed yet.

    `sender`: who asks for it, and so for which tenant. Each letter keeps one event id however often it is replayed, so
    that replaying twice counts once.
    """
    engine = intake.store.engine
    if ids is None:
        rows = dead_letters.listed(engine, tenant, reason=reason, replayed=False, limit=MOST_AT_ONCE)[::-1]
    else:
        rows = dead_letters.found(engine, tenant, ids)
    rows = opened(intake.pseudonyms.sealing, tenant, rows)
    result = Replay()
    for start in range(0, len(rows), MOST_UNDER_WAY):
        begun = [(row, _begin(intake, tenant, row, sender)) for row in rows[start : start + MOST_UNDER_WAY]]
        done = [row["id"] for row, end in begun if _taken(row, end, result)]
        if done:
            dead_letters.mark_replayed(engine, tenant, done, datetime.now(UTC))
    missing = set(ids or ()) - {row["id"] for row in rows}
    result.failed += [{"id": key, "reason": "not_found", "detail": "no such dead letter"} for key in sorted(missing)]
    return result


def _begin(intake: Intake, tenant: str, row: Row, sender: Sender | None) -> Callable[[], Receipt]:
    """Begin to take a letter in; what is returned waits for it, and raises what went wrong."""
    original = dead_letters.original(row)
    try:
        if row["encoding"] == dead_letters.SEALED:
            raise Invalid(row["detail"])
        if len(original) < row["bytes"]:
            kept = f"only {len(original)} of its {row['bytes']} bytes were kept (ROLLBOOK_MAX_DEAD_LETTER_BYTES)"
            raise TooLarge(kept)
        dialect = row["dialect"] if row["dialect"] in DIALECTS else "native"
        return intake.take_later(original, dialect, tenant, f"dead-letter:{row['id']}", letters=False, sender=sender)
    except BadRequest as error:
        return partial(_fail, error)


def _fail(error: BadRequest) -> Receipt:
    raise error


def _taken(row: Row, end: Callable[[], Receipt], result: Replay) -> bool:
    try:
        receipt = end()
    except BadRequest as error:
        reason = "cut" if isinstance(error, TooLarge) else row["reason"]
        result.failed.append({"id": row["id"], "reason": reason, "detail": error.detail})
        return False
    if receipt.rejected:
        first = receipt.rejected[0]
        result.failed.append({"id": row["id"], "reason": first.reason, "detail": first.detail})
        return False
    result.replayed += receipt.ingested
    result.duplicates += receipt.duplicates
    return True


def expire(intake: Intake) -> int:
    """Delete the letters that are older than ROLLBOOK_DEAD_LETTER_DAYS; how many there were."""
    if not intake.store.may_write():
        return 0
    before = datetime.now(UTC) - timedelta(days=intake.store.settings.dead_letter_days)
    return dead_letters.expire(intake.store.engine, before)
