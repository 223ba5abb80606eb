"""System: how this process was doing when it took the event, and the tenant's feature flags."""

import os
from collections.abc import Callable

from rollbook.ingest.enriching.enricher import Around, Incoming, Members

BUSY = 0.5


class System:
    """`load` (running processes per processor, over a minute), `queue` (0 to 1), `health` (`ok`, `busy`, `failing`)."""

    name = "system"

    def ready(self, around: Around) -> Callable[[Incoming], Members]:
        """The same for all events of a batch."""
        queue = round(around.load(), 3)
        health = "failing" if around.trouble else "busy" if queue > BUSY else "ok"
        found: Members = {
            "load": round(os.getloadavg()[0] / (os.cpu_count() or 1), 2),
            "queue": queue,
            "health": health,
        }
        if flags := around.settings.feature_flags:
            found["flags"] = flags
        return lambda event: found
