"""Dead letters: kept with their bytes, listed, counted, marked."""

from datetime import UTC, datetime, timedelta

from rollbook.store import Store, dead_letters
from rollbook.store.dead_letters import DeadLetter

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
MOST = 1_000


def letter(tenant: str, body: bytes = b"{}", *, reason: str = "no_type", position: int = 0) -> DeadLetter:
    """One refused event."""
    return DeadLetter(
        tenant=tenant, dialect="native", stage="check", reason=reason, detail="why", position=position, body=body
    )


def test_the_bytes_are_kept_as_they_came(store: Store, tenant: str) -> None:
    bodies = [b'{"a": 1}', b"", b"\xff\xfe\x00not text", "é\x00☺".encode(), b"\xed\xa0\x80"]
    letters = [letter(tenant, body, position=n) for n, body in enumerate(bodies)]
    ids = dead_letters.add(store.engine, letters, NOON, MOST)
    assert len(set(ids)) == len(bodies)
    found = dead_letters.found(store.engine, tenant, ids)
    assert [dead_letters.original(row) for row in found] == bodies
    assert [row["bytes"] for row in found] == [len(body) for body in bodies]
    assert [row["encoding"] for row in found] == ["text", "text", "base64", "text", "base64"]
    assert [row["id"] for row in found] == ids


def test_a_long_body_is_cut_and_says_so(store: Store, tenant: str) -> None:
    (name,) = dead_letters.add(store.engine, [letter(tenant, b"x" * 5_000)], NOON, MOST)
    (row,) = dead_letters.found(store.engine, tenant, [name])
    assert dead_letters.original(row) == b"x" * MOST
    assert row["bytes"] == 5_000


def test_letters_are_listed_newest_first_and_by_reason(store: Store, tenant: str) -> None:
    for hour, reason in enumerate(["no_type", "no_type", "in_the_future"]):
        dead_letters.add(store.engine, [letter(tenant, reason=reason)], NOON + timedelta(hours=hour), MOST)
    dead_letters.add(store.engine, [letter(f"{tenant}-other")], NOON, MOST)
    everything = dead_letters.listed(store.engine, tenant)
    assert [row["received"].hour for row in everything] == [14, 13, 12]
    assert [row["received"].hour for row in dead_letters.listed(store.engine, tenant, reason="no_type")] == [13, 12]
    assert [row["received"].hour for row in dead_letters.listed(store.engine, tenant, limit=1, offset=1)] == [13]
    counted = dead_letters.counted(store.engine, tenant)
    assert [(row["reason"], row["letters"], row["replayed"]) for row in counted] == [
        ("no_type", 2, 0),
        ("in_the_future", 1, 0),
    ]
    assert counted[0]["newest"] == NOON + timedelta(hours=1)


def test_a_replayed_letter_is_marked_and_still_one_letter(store: Store, tenant: str) -> None:
    first, second = dead_letters.add(store.engine, [letter(tenant, b"1"), letter(tenant, b"2", position=1)], NOON, MOST)
    for minute in (1, 2):
        dead_letters.mark_replayed(store.engine, tenant, [first], NOON + timedelta(minutes=minute))
    dead_letters.mark_replayed(store.engine, f"{tenant}-other", [second], NOON)
    replayed = dead_letters.listed(store.engine, tenant, replayed=True)
    assert [(row["id"], row["replayed"]) for row in replayed] == [(first, NOON + timedelta(minutes=2))]
    assert dead_letters.original(replayed[0]) == b"1"
    assert [row["id"] for row in dead_letters.listed(store.engine, tenant, replayed=False)] == [second]
    assert [(row["letters"], row["replayed"]) for row in dead_letters.counted(store.engine, tenant)] == [(2, 1)]


def test_nothing_to_keep_or_to_find(store: Store, tenant: str) -> None:
    assert dead_letters.add(store.engine, [], NOON, MOST) == []
    assert dead_letters.found(store.engine, tenant, []) == []
    assert dead_letters.counted(store.engine, tenant) == []
