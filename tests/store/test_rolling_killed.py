"""kill -9 in the middle of rolling: afterwards every rollup equals the events, and no acknowledged event is missing."""

import random
from pathlib import Path

import pytest

from tests.processes import run, started

pytestmark = pytest.mark.slow

KILLS = 5

WRITE_AND_ROLL = """
    import sys
    from pathlib import Path
    from rollbook.settings import load
    from rollbook.store import Store
    from tests.stories import happened, tell

    with Store(load(data=Path(sys.argv[1]), roll_quiet_seconds=10**9)) as store:
        for n in range(10**6):
            hours = [f"2026-03-{1 + (n + k) % 28:02}T{n % 24:02}:00" for k in range(5)]
            user, name = f"user-{n % 50}", f"{sys.argv[2]}-{n}"
            tell(store, "killed", [happened("view", user, hour, id=f"{name}-{hour}") for hour in hours])
            print(len(hours), flush=True)
            store.rollups.roll(quiet_seconds=0)
"""

SEE = """
    import sys
    from pathlib import Path
    from rollbook.settings import load
    from rollbook.store import Store

    with Store(load(data=Path(sys.argv[1]), roll_quiet_seconds=10**9)) as store:
        print(store.engine.query("select uniqExact(id) as n from events")[0]["n"])
        print(store.rollups.differences())
"""


def test_kill_9_in_the_middle_of_rolling(tmp_path: Path) -> None:
    chance = random.Random(9)
    acknowledged = 0
    for turn in range(KILLS):
        with started(WRITE_AND_ROLL, tmp_path, turn) as process:
            assert process.stdout is not None
            for _ in range(chance.randrange(3, 12)):
                acknowledged += int(process.stdout.readline())
            # the line is printed right before the rolling begins
            process.kill()
            acknowledged += sum(map(int, process.stdout.read().split()))
        stored, differences = run(SEE, tmp_path)
        assert differences == "[]"
        assert int(stored) >= acknowledged
