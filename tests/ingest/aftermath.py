"""Aftermath: what a folder holds after its process was killed, said by a fresh process as JSON on standard output."""

import json
import sys
from pathlib import Path

from rollbook.settings import load
from rollbook.store import Store


def main(folder: str) -> None:
    """Print how often each event id is there, where rollups differ from the events, and how many keys are missing."""
    with Store(load(data=Path(folder), roll_quiet_seconds=0)) as store:
        counted = store.engine.query("select id, count() as times from events group by id")
        missing = store.engine.query(
            "select count() as events from events "
            "where reinterpretAsUInt128(murmurHash3_128(concat(tenant, '\\x1f', id))) not in (select h from event_keys)"
        )
        found = {
            "times": {row["id"]: row["times"] for row in counted},
            "differences": store.rollups.differences(),
            "without_key": missing[0]["events"],
            "accepted": store.engine.query("select sum(events) as n from ingest_counters where outcome = 'accepted'")[
                0
            ]["n"],
        }
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1])
