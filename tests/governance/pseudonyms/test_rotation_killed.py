"""A server that is killed in the middle of a change of key: the next one goes on, and nothing is lost or doubled."""

import json
import time
from pathlib import Path

import httpx
import pytest

from tests.cli.terminal import rollbook, serving

USERS, MONTHS = 40, 12


def told(month: int) -> list[dict[str, object]]:
    """One event of each user."""
    at = f"2025-{month:02}-03T10:00:00Z"
    return [
        {"event_type": "seen", "event_id": f"{month}-{n}", "user_id": f"student-{n}", "timestamp": at}
        for n in range(USERS)
    ]


@pytest.mark.slow
@pytest.mark.parametrize("stretches", [0, 3])
def test_a_killed_change_goes_on(tmp_path: Path, stretches: int) -> None:
    data = tmp_path / "data"
    assert rollbook("tenant", "create", "school", "--data", data).returncode == 0
    with serving(data) as server:
        with httpx.Client(base_url=server.address, timeout=60, trust_env=False) as client:
            for month in range(1, MONTHS + 1):
                sent = client.post("/api/v2/events", params={"tenant_id": "school"}, json=told(month))
                assert sent.json()["ingested"] == USERS
            running = client.post("/api/v2/tenants/school/rotate").json()
            deadline = time.monotonic() + 60
            # killed when so many of the twelve months are rewritten
            while running["rows"] < stretches * USERS or running["label"].startswith("waiting"):
                assert time.monotonic() < deadline
                running = client.get("/api/v2/tenants/school/rotate").json()
            assert running["state"] == "running"
            assert client.get("/api/v2/ask/totals", params={"tenant_id": "school"}).status_code == 503
        server.process.kill()
    done = rollbook("tenant", "rotate", "school", "--json", "--data", data)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["version"] == 2
    asked = rollbook("ask", "totals", "--tenant", "school", "--json", "--data", data)
    row = json.loads(asked.stdout)["rows"][0]
    assert (row["events"], row["people"]) == (USERS * MONTHS, USERS)
    verified = rollbook("verify", "--data", data)
    assert verified.returncode == 0, verified.stdout
