"""kill -9 in the middle of expiry and of restoring: nothing is lost, nothing is there twice, and all agree."""

import json
import random
from pathlib import Path

import pytest

from tests.processes import run, started

pytestmark = pytest.mark.slow

DAYS = 20
EVENTS = 400
KILLS = 2
# how many steps each has; one more, since the last may be lived through
STEPS = {"expire": 40, "restore": 19}

FILL = """
    import sys
    from pathlib import Path
    from rollbook.settings import load
    from rollbook.store import Store
    from tests.governance.lifetimes import aged, told

    with Store(load(data=Path(sys.argv[1]), roll_quiet_seconds=10**9)) as store:
        hours = [f"2026-0{3 + n % 3}-{1 + n % %DAYS%:02}T{n % 24:02}:00" for n in range(%EVENTS%)]
        told(store, "killed", [aged("view", f"user-{n % 9}", at, id=f"e{n}") for n, at in enumerate(hours)])
""".replace("%DAYS%", str(DAYS)).replace("%EVENTS%", str(EVENTS))

# dies before its n-th step that changes something: in the event tables, in the records, in the archives
CHANGE = """
    import os
    import signal
    import sys
    from pathlib import Path
    from rollbook.governance.lifecycle.storage import Storage
    from rollbook.settings import load
    from rollbook.store import Store
    from rollbook.store.engine import Engine
    from rollbook.store.records.database import Database
    from tests.governance.lifetimes import expire, restore

    steps = 0

    def counted(kind, name):
        method = getattr(kind, name)

        def step(*given, **named):
            global steps
            steps += 1
            if steps == int(sys.argv[3]):
                os.kill(os.getpid(), signal.SIGKILL)
            return method(*given, **named)

        setattr(kind, name, step)

    with Store(load(data=Path(sys.argv[1]), roll_quiet_seconds=10**9)) as store:
        for kind, name in ((Engine, "command"), (Engine, "insert"), (Storage, "put"), (Database, "write")):
            counted(kind, name)
        if sys.argv[2] == "expire":
            expire(store, "killed")
        else:
            restore(store, "killed")
        print(steps)
"""

SEE = """
    import json
    import sys
    from datetime import UTC, datetime
    from pathlib import Path
    import pyarrow.parquet as pq
    from rollbook.analyses.ask import ask
    from rollbook.analyses.events_by_day import EventsByDay
    from rollbook.governance.lifecycle import Expiry, archives
    from rollbook.settings import load
    from rollbook.store import Store

    with Store(load(data=Path(sys.argv[1]), roll_quiet_seconds=10**9)) as store:
        before = ask(store, EventsByDay(as_of=datetime(2026, 5, 31, tzinfo=UTC), days=100), "killed").rows
        Expiry(store).mend("killed")
        sealed = store.rollups.seals.of("killed")
        raw = [row["id"] for row in store.engine.query("select id from events")]
        kept = []
        for archive in archives.listed(store, "killed"):
            back = {row["day"] for row in store.records.lifecycle.days("killed", state="restored", archive=archive.id)}
            for path in Path(archive.place).glob("*.parquet"):
                kept += [row["id"] for row in pq.read_table(path).to_pylist() if row["timestamp"].date() not in back]
        print(json.dumps({
            "raw": raw, "archived": kept, "counted": sum(row.events for row in before),
            "leaving": sealed.leaving is not None, "differences": store.rollups.differences("killed"),
            "files": sum(1 for _ in Path(store.settings.data, "archive").rglob("manifest.json")),
            "archives": len(archives.listed(store, "killed")),
        }))
"""


def assert_whole(folder: Path) -> dict[str, list[str]]:
    """Every event is in exactly one place, and all of them are counted, before and after mending."""
    found = json.loads(run(SEE, folder)[-1])
    everywhere = found["raw"] + found["archived"]
    assert sorted(everywhere) == sorted(f"e{n}" for n in range(EVENTS))
    assert found["counted"] == EVENTS
    assert found["differences"] == []
    assert not found["leaving"]
    assert found["files"] == found["archives"]
    return found  # type: ignore[no-any-return]


@pytest.mark.parametrize("seed", [1, 2])
def test_kill_9_at_any_step_of_expiry_and_of_restoring(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    run(FILL, tmp_path)
    for what, most in STEPS.items():
        for _ in range(KILLS):
            with started(CHANGE, tmp_path, what, chance.randrange(2, most)) as process:
                process.wait()
            assert_whole(tmp_path)
        if what == "expire" or assert_whole(tmp_path)["archived"]:
            assert int(run(CHANGE, tmp_path, what, 0)[-1]) < most
    assert len(assert_whole(tmp_path)["raw"]) == EVENTS
