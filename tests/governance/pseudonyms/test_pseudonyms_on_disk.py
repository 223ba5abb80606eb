"""With pseudonyms no byte of the data folder, and no line of the log, tells an id, whichever way it came in."""

import csv
import gzip
import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.cli.terminal import serving
from tests.governance.rights.scanning import scan

TIMES = {"timestamp": "2026-03-02T10:00:00Z", "ts": "2026-03-02T10:00:00Z"}


@contextmanager
def calling(address: str) -> Iterator[httpx.Client]:
    """A client of a server."""
    with httpx.Client(base_url=address, timeout=60, trust_env=False) as client:
        yield client


def sent(user: str) -> list[tuple[str, Any]]:
    """Bodies of all dialects about somebody: by their id, in ids, in texts; and some that are refused."""
    told = {"user_id": user, "note": f"about {user}", "session_id": f"{user}/1", "actor": {"id": user}}
    native = {"event_type": "seen", "event_id": f"e:{user}", "user_id": user, "metadata": told}
    document_4 = {"type": "seen", "user_id": user, "ts": TIMES["ts"], "payload": told}
    letters = [{"user_id": user}, {"event_type": "seen", "user_id": user, "timestamp": "never", "metadata": told}]
    return [
        ("/api/v2/events", [native, native | {"event_id": f"f:{user}", "user_id": user}]),
        ("/events", {"event_type": "seen", "user_id": user, "timestamp": TIMES["timestamp"], "metadata": told}),
        ("/api/analytics/ingest", [document_4] * 3),
        ("/api/v2/events", letters),
    ]


def send(client: httpx.Client, folder: Path, tenant: str, user: str) -> None:
    """Send everything about somebody, by every way in."""
    for route, body in sent(user):
        client.post(route, params={"tenant_id": tenant}, json=body)
    packed = {"content-encoding": "gzip", "content-type": "application/x-ndjson"}
    line = gzip.compress(json.dumps({"event_type": "seen", "user_id": user}).encode())
    client.post("/api/v2/events", params={"tenant_id": tenant}, content=line, headers=packed).raise_for_status()
    path = folder / f"{tenant}.csv"
    with path.open("w", newline="") as file:
        written = csv.DictWriter(file, ["event_type", "user_id", "timestamp", "event_id", "comment"])
        written.writeheader()
        written.writerow({"event_type": "seen", "user_id": user, "comment": f"by {user}", **_id(f"row:{user}")})
        written.writerow({"event_type": "", "user_id": user, "comment": f"by {user}", **_id("refused")})
    running = client.post("/api/v2/imports", params={"tenant_id": tenant}, json={"path": str(path)}).json()
    while running["state"] == "running":
        running = client.get(f"/api/v2/imports/{running['id']}", params={"tenant_id": tenant}).json()
    assert running["state"] == "finished", running["detail"]
    roster = {
        "courses": [{"course_id": "maths"}],
        "people": [{"user_id": user, "identities": [{"scheme": "sis", "value": user}]}],
        "memberships": [{"course_id": "maths", "user_id": user}],
    }
    client.put("/api/v2/roster", params={"tenant_id": tenant}, json=roster).raise_for_status()
    entries = [{"user_id": user, "name": f"Name of {user}"}]
    client.put("/api/v2/directory", params={"tenant_id": tenant}, json=entries).raise_for_status()
    totals = client.get("/api/v2/ask/totals", params={"tenant_id": tenant}).json()["rows"][0]
    assert (totals["events"], totals["people"]) == (8, 1)
    timeline = client.get("/api/v2/ask/timeline", params={"tenant_id": tenant, "user": user}).json()
    assert len(timeline["rows"]) == 8


def _id(event: str) -> dict[str, str]:
    return {"timestamp": TIMES["timestamp"], "event_id": event}


@pytest.mark.slow
def test_no_file_and_no_line_of_the_log_tells_an_id(tmp_path: Path) -> None:
    data = tmp_path / "data"
    plain, hidden = "student-plain-9917", "student-hidden-4711"
    with serving(data, LOG_LEVEL="DEBUG") as server:
        with calling(server.address) as client:
            for tenant, pseudonyms in (("open", False), ("school", True)):
                wanted = {"id": tenant, "settings": {"pseudonyms": pseudonyms, "directory": True}}
                client.post("/api/v2/tenants", json=wanted).raise_for_status()
            send(client, tmp_path, "open", plain)
            send(client, tmp_path, "school", hidden)
        server.stop()
    for database in data.glob("*.db"):
        with sqlite3.connect(database) as connection:
            connection.execute("pragma wal_checkpoint(truncate)")
    # it does find what is there to be found
    assert {"events part", "records.db"} <= scan(data, [plain]).keys()
    assert not scan(data, [hidden])
    assert not scan(data, ["hidden-4711"])
    assert "4711" not in server.errors
