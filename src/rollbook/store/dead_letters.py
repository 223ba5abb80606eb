"""The dead_letters table: what could not be kept, with its original bytes."""

import base64
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pyarrow as pa

from rollbook.store.engine import Engine, Row, batches

COLUMNS = "id, received, dialect, stage, reason, detail, position, body, encoding, bytes, replayed"

OLD = "select count() as letters from dead_letters where received < {before:DateTime64(3, 'UTC')}"
EXPIRE = "alter table dead_letters delete where received < {before:DateTime64(3, 'UTC')}"

_SCHEMA = pa.schema(
    [(n, pa.string()) for n in ("tenant", "id", "dialect", "stage", "reason", "detail", "body", "encoding")]
    + [
        ("received", pa.timestamp("ms", "UTC")),
        ("position", pa.uint32()),
        ("bytes", pa.uint64()),
        ("stamp", pa.uint64()),
    ]
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """One event (or a whole body that could not be read) that was refused; `position` is its index in the batch."""

    tenant: str
    dialect: str
    stage: str
    reason: str
    detail: str
    position: int
    body: bytes


# tenant, id and what is to be sealed for them
Seal = Callable[[str, str, bytes], bytes]

SEALED = "sealed"
DETAIL_BYTES = 4


def add(
    engine: Engine, letters: list[DeadLetter], received: datetime, most_bytes: int, *, seal: Seal | None = None
) -> list[str]:
    """Keep the letters (each body cut at `most_bytes`); their ids, in order. `seal`: body and detail are sealed."""
    ids = [f"{int(received.timestamp() * 1000):x}-{secrets.token_hex(8)}" for _ in letters]
    rows = [_row(letter, key, received, most_bytes) for letter, key in zip(letters, ids, strict=True)]
    rows = [_sealed(row, seal) for row in rows] if seal else rows
    if rows:
        engine.insert("dead_letters", pa.Table.from_pylist(rows, _SCHEMA))
    return ids


def _row(letter: DeadLetter, key: str, received: datetime, most_bytes: int) -> dict[str, Any]:
    names = ("tenant", "dialect", "stage", "reason", "detail", "position")
    return {name: getattr(letter, name) for name in names} | {
        **_written(letter.body[:most_bytes]), "id": key, "received": received, "bytes": len(letter.body), "stamp": 0,
    }  # fmt: skip


def _written(kept: bytes) -> dict[str, str]:
    try:
        return {"body": kept.decode("utf-8"), "encoding": "text"}
    except UnicodeDecodeError:
        return {"body": base64.b64encode(kept).decode(), "encoding": "base64"}


def _sealed(row: dict[str, Any], seal: Seal) -> dict[str, Any]:
    """A row with its detail, which may repeat what was sent, and its body in one."""
    detail = row["detail"].encode()
    whole = len(detail).to_bytes(DETAIL_BYTES) + detail + original(row)
    body = base64.b64encode(seal(row["tenant"], row["id"], whole)).decode()
    return row | {"detail": "", "body": body, "encoding": SEALED}


def opened(row: Row, unseal: Callable[[str, bytes], bytes]) -> Row:
    """A row as it was before it was sealed; `unseal` is given its id and what was sealed. Others as they are."""
    if row["encoding"] != SEALED:
        return row
    whole = unseal(row["id"], base64.b64decode(row["body"]))
    length = int.from_bytes(whole[:DETAIL_BYTES])
    detail, kept = whole[DETAIL_BYTES : DETAIL_BYTES + length], whole[DETAIL_BYTES + length :]
    return row | {"detail": detail.decode(), **_written(kept)}


def original(row: Row) -> bytes:
    """The bytes as they came in, as far as they were kept."""
    return base64.b64decode(row["body"]) if row["encoding"] == "base64" else str(row["body"]).encode()


def listed(
    engine: Engine,
    tenant: str,
    *,
    reason: str | None = None,
    replayed: bool | None = None,
    limit: int = 100,
    offset: int = 0,
) -> list[Row]:
    """The newest letters of a tenant; `replayed` None: whether replayed or not."""
    sql = f"""
    select {COLUMNS} from dead_letters final where tenant = {{tenant:String}}
      and ({{reason:String}} = '' or reason = {{reason:String}})
      and ({{replayed:Int8}} = -1 or isNotNull(replayed) = {{replayed:Int8}})
    order by received desc, position limit {{limit:UInt32}} offset {{offset:UInt32}}
    """
    state = -1 if replayed is None else int(replayed)
    return engine.query(
        sql, {"tenant": tenant, "reason": reason or "", "replayed": state, "limit": limit, "offset": offset}
    )


def found(engine: Engine, tenant: str, ids: list[str]) -> list[Row]:
    """The letters of these ids, oldest first."""
    sql = f"""
    select {COLUMNS} from dead_letters final
    where tenant = {{tenant:String}} and id in {{ids:Array(String)}}
    """
    rows = [row for some in batches(ids) for row in engine.query(sql, {"tenant": tenant, "ids": some})]
    return sorted(rows, key=lambda row: (row["received"], row["position"]))


def counted(engine: Engine, tenant: str) -> list[Row]:
    """How many letters there are by reason, stage and dialect, with the newest."""
    sql = """
    select reason, stage, dialect, count() as letters, countIf(isNotNull(replayed)) as replayed, max(received) as newest
    from dead_letters final where tenant = {tenant:String} group by reason, stage, dialect order by letters desc
    """
    return engine.query(sql, {"tenant": tenant})


def mark_replayed(engine: Engine, tenant: str, ids: list[str], at: datetime) -> None:
    """Note that these letters were taken in after all."""
    sql = """
    insert into dead_letters
    select tenant, id, received, dialect, stage, reason, detail, position, body, encoding, bytes,
        {at:DateTime64(3, 'UTC')}, stamp + 1
    from dead_letters final where tenant = {tenant:String} and id in {ids:Array(String)}
    """
    for some in batches(ids):
        engine.command(sql, {"tenant": tenant, "ids": some, "at": at})


def expire(engine: Engine, before: datetime) -> int:
    """Delete letters that were received before a moment, replayed or not; how many there were."""
    bound = {"before": before}
    letters: int = engine.query(OLD, bound, unlimited=True)[0]["letters"]
    if letters:
        engine.command(EXPIRE, bound, settings={"mutations_sync": 2})
    return letters


def remove(engine: Engine, tenant: str) -> int:
    """Delete all letters of a tenant; how many there were."""
    sql = "select count() as letters from dead_letters final where tenant = {tenant:String}"
    letters: int = engine.query(sql, {"tenant": tenant}, unlimited=True)[0]["letters"]
    if letters:
        delete = "alter table dead_letters delete where tenant = {tenant:String}"
        engine.command(delete, {"tenant": tenant}, settings={"mutations_sync": 2})
    return letters
