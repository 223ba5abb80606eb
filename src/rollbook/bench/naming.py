"""Naming a hundred thousand learners in one question: more than an address holds, so it is asked in Python.

`python -m rollbook.bench.naming FOLDER LEARNERS ASKS` prints the seconds of each ask, the
processor's of all but the first, and the most memory, as JSON.
"""

import json
import resource
import sys
import time
from datetime import timedelta
from pathlib import Path

from rollbook.analyses.ask import ask
from rollbook.analyses.retention import Retention
from rollbook.bench.filling import learner, term_end
from rollbook.errors import RollbookError
from rollbook.settings import load
from rollbook.store import Store


def main() -> None:
    """Ask, and print."""
    folder, learners, asks = sys.argv[1:]
    named = tuple(learner(n) for n in range(int(learners)))
    seconds: list[float] = []
    used, failed = 0.0, ""
    with Store(load(data=Path(folder), roll_quiet_seconds=10**9)) as store:
        try:
            for number in range(int(asks) + 1):
                began, used = time.perf_counter(), time.process_time() if len(seconds) == 1 else used
                ask(store, Retention(users=named, as_of=term_end() - timedelta(milliseconds=number)))
                seconds.append(time.perf_counter() - began)
        except RollbookError as error:
            failed = error.detail
        told = {"seconds": seconds, "cpu_seconds": time.process_time() - used, "failed": failed}
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10
    sys.stdout.write(json.dumps(told | {"peak_bytes": peak}))


if __name__ == "__main__":
    main()
