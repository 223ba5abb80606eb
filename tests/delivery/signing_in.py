"""A server that asks who calls, with keys of two roles, for tests of signing in."""

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx

from tests.cli.terminal import serving
from tests.processes import run

KEYS = """
    import json, sys
    from pathlib import Path
    from rollbook.governance.keys import Keys
    from rollbook.settings import load
    from rollbook.store import Store

    with Store(load(data=Path(sys.argv[1]))) as store:
        keys = Keys(store)
        store.records.put_tenant("school", "A school")
        made = {role: keys.create("school", role)[0] for role in ("admin", "read", "ingest")}
    print(json.dumps(made))
"""


@dataclass
class School:
    """A running server: where, and keys of its tenant `school` by role."""

    address: str
    keys: dict[str, str]
    key_ids: dict[str, str]

    def client(self, role: str | None = None) -> httpx.Client:
        """A program that calls it, with a key or without."""
        headers = {"X-API-Key": self.keys[role]} if role else {}
        return httpx.Client(base_url=self.address, headers=headers, verify=False, trust_env=False, timeout=60)


@contextlib.contextmanager
def school(folder: Path, *, event: str = "content_view", **more: str) -> Iterator[School]:
    """`rollbook serve`, with one event of today, or none."""
    keys = json.loads(run(KEYS, folder)[-1])
    with serving(folder, ROLLBOOK_AUTH="required", LOG_LEVEL="ERROR", **more) as server:
        found = School(server.address, keys, {role: key.split("_")[1] for role, key in keys.items()})
        seen = {"event_type": event, "user_id": "ada", "timestamp": datetime.now(UTC).isoformat()}
        if event:
            with found.client("admin") as client:
                assert client.post("/api/v2/events", json=seen).json()["ingested"] == 1
        yield found
