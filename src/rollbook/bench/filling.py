"""Filling a data folder with a term's events, straight into the store, as the way in would leave them.

`python -m rollbook.bench.filling FOLDER EVENTS DAYS LEARNERS` prints what it took and what the tables weigh, as JSON.
"""

import json
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from rollbook.bench.tables import MERGES, ONE_INSERT, SHARES, WEIGHTS
from rollbook.settings import load
from rollbook.store import Store, keys
from rollbook.store.intake import layouts

TENANT = "default"
DAY = timedelta(days=1)
MOST_SECONDS_OF_MERGES = 300
CALM_SECONDS = 3


def term_end() -> datetime:
    """Yesterday at 18:00 UTC: as on a day that is under way, the last day of the term is not a whole one."""
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight - timedelta(hours=6)


def learner(number: int) -> str:
    """The id of a learner, as the made-up events have it."""
    return f"learner-{number:06}"


def fill(store: Store, events: int, days: int, learners: int) -> dict[str, Any]:
    """Write, a day at a time; then roll up what was written, wait until the engine has merged what it wants to, and lay
    it out by type."""
    until, began = term_end(), time.monotonic()
    for day in range(days):
        first, following = (events * n // days for n in (day, day + 1))
        begin = until - (days - day) * DAY
        with store.rollups.writing([(TENANT, begin.date()), (TENANT, (begin + DAY).date())]):
            for insert, numbers in shared(first, following):
                bound = {
                    "tenant": TENANT, "day": day, "days": days, "learners": learners,
                    "begin_ms": int(begin.timestamp() * 1000), "first": numbers.start, "count": len(numbers),
                }  # fmt: skip
                store.engine.command(insert, bound, settings=ONE_INSERT)
        keys.fill(store.engine, begin, begin + DAY)
    written = time.monotonic()
    store.rollups.roll(quiet_seconds=0)
    rolled = time.monotonic()
    settle(store)
    merged = time.monotonic()
    layouts.lay_out(store.engine, wait=True)
    return {
        "events": events,
        "write_seconds": written - began,
        "roll_seconds": rolled - written,
        "merge_seconds": merged - rolled,
        "lay_out_seconds": time.monotonic() - merged,
        "tables": store.engine.query(WEIGHTS, unlimited=True),
    }


def shared(first: int, following: int) -> Iterator[tuple[str, range]]:
    """The numbers of a day's events, each kind's by the statement that writes them."""
    begin, of_hundred = first, 0
    for insert, share in SHARES.items():
        of_hundred += share
        end = first + (following - first) * of_hundred // 100
        yield insert, range(begin, end)
        begin = end


def settle(store: Store) -> None:
    """Wait until no merge has been running for a while, or for as long as that may take."""
    until, calm = time.monotonic() + MOST_SECONDS_OF_MERGES, 0
    while calm < CALM_SECONDS and time.monotonic() < until:
        calm = 0 if store.engine.query(MERGES, unlimited=True)[0]["running"] else calm + 1
        time.sleep(1)


def main() -> None:
    """Fill, and print."""
    folder, events, days, learners = sys.argv[1:]
    with Store(load(data=Path(folder), roll_quiet_seconds=10**9)) as store:
        sys.stdout.write(json.dumps(fill(store, int(events), int(days), int(learners))))


if __name__ == "__main__":
    main()
