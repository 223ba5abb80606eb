"""Counters: added up by minute, and counted anew from the tables after an unclean stop."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from rollbook.store import Store, counters
from tests.processes import run

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def test_counts_add_up_by_minute_dialect_and_outcome(store: Store, tenant: str) -> None:
    counters.add(store.engine, {(tenant, NOON, "native", "accepted"): 5, (tenant, NOON, "agent", "duplicate"): 1}, NOON)
    counters.add(store.engine, {(tenant, NOON, "native", "accepted"): 2, (tenant, NOON, "native", "late"): 1}, NOON)
    counters.add(store.engine, {(tenant, NOON + MINUTE, "native", "rejected"): 3}, NOON + MINUTE)
    counters.add(store.engine, {(f"{tenant}-other", NOON, "native", "accepted"): 99}, NOON)

    def seen(begin: datetime, until: datetime) -> list[tuple[object, ...]]:
        return [tuple(row.values()) for row in counters.read(store.engine, tenant, begin, until)]

    first = [(NOON, "agent", "duplicate", 1), (NOON, "native", "accepted", 7), (NOON, "native", "late", 1)]
    assert seen(NOON, NOON) == first
    assert seen(NOON, NOON + MINUTE) == [*first, (NOON + MINUTE, "native", "rejected", 3)]
    assert seen(NOON + 2 * MINUTE, NOON + 3 * MINUTE) == []


RECOUNT = """
    import sys
    from datetime import UTC, datetime, timedelta
    from pathlib import Path
    from rollbook.settings import load
    from rollbook.store import Store, counters, dead_letters
    from tests.stories import happened, tell

    NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
    DAY = timedelta(seconds=86_400)
    settings = load(data=Path(sys.argv[1]), late_after_seconds=86_400, roll_quiet_seconds=10**9)
    with Store(settings) as store:
        tell(store, "t", [
            happened("view", at=NOON, received=NOON, dialect="native"),
            happened("view", at=NOON - DAY, received=NOON, dialect="native"),
            happened("view", at=NOON - DAY - timedelta(milliseconds=1), received=NOON, dialect="native"),
            happened("view", at=NOON - 9 * DAY, received=NOON, dialect="import:oulad"),
            happened("view", at=NOON, received=NOON + timedelta(seconds=61), dialect="agent"),
        ])
        letter = dead_letters.DeadLetter(
            tenant="t", dialect="native", stage="s", reason="r", detail="", position=0, body=b""
        )
        dead_letters.add(store.engine, [letter, letter], NOON, 100)
        if "first counted" in sys.argv:
            counted = {("t", NOON, "native", "accepted"): 3, ("t", NOON, "native", "duplicate"): 8}
            counters.add(store.engine, counted, NOON)
    for _ in range(2):
        with Store(settings) as store:
            for row in counters.read(store.engine, "t", NOON - DAY, NOON + DAY):
                print(row["minute"].strftime("%H:%M"), row["dialect"], row["outcome"], row["events"])
"""


def test_what_an_unclean_stop_left_uncounted_is_counted_once(tmp_path: Path) -> None:
    counted = [
        "12:00 import:oulad accepted 1",
        "12:00 native accepted 3",
        "12:00 native late 1",
        "12:00 native rejected 2",
        "12:01 agent accepted 1",
    ]
    assert run(RECOUNT, tmp_path) == counted * 2


def test_what_was_counted_is_not_counted_again(tmp_path: Path) -> None:
    counted = ["12:00 native accepted 3", "12:00 native duplicate 8", "12:01 agent accepted 1"]
    assert run(RECOUNT, tmp_path, "first counted") == counted * 2
