"""The lifecycle over HTTP and by hand: refused before the disk is full, archived, restored, held, reported."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from rollbook.governance.lifecycle import compliance
from rollbook.store import Store
from tests.cli.terminal import rollbook, serving
from tests.governance.lifetimes import aged, expire, told
from tests.processes import run
from tests.services import missing

pytestmark = pytest.mark.slow

OLD = """
    import sys
    from pathlib import Path
    from rollbook.settings import load
    from rollbook.store import Store
    from tests.governance.lifetimes import aged, told

    with Store(load(data=Path(sys.argv[1]))) as store:
        told(store, "default", [aged("view", "ada"), aged("view", "bob", "2026-03-03T10:00")])
"""
EVENT = b'{"event_type": "view", "user_id": "ada"}'


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 200 MB of its own."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=200m", "tmpfs", str(place)]
    mounted = subprocess.run(mount, capture_output=True, text=True, check=False)
    if mounted.returncode:
        missing(f"a small disk needs the right to mount a tmpfs (run as root): {mounted.stderr.strip()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


def test_events_are_refused_before_the_disk_is_full_and_taken_again_when_there_is_room(small_disk: Path) -> None:
    with serving(small_disk / "data", ROLLBOOK_MIN_FREE_BYTES=str(60 << 20)) as server:
        assert httpx.post(f"{server.address}/events", content=EVENT).status_code == 200
        ballast = small_disk / "ballast"
        ballast.write_bytes(os.urandom(150 << 20))
        refused = httpx.post(f"{server.address}/events", content=EVENT)
        assert refused.status_code == 503
        assert "ROLLBOOK_MIN_FREE_BYTES" in refused.json()["detail"]
        assert "retry-after" in refused.headers
        assert "ROLLBOOK_MIN_FREE_BYTES" in httpx.get(f"{server.address}/health").json()["checks"]["ingest"]
        ballast.unlink()
        assert httpx.post(f"{server.address}/events", content=EVENT).status_code == 200
        assert httpx.get(f"{server.address}/health").json()["checks"]["ingest"] == "ok"


def test_by_hand_what_is_due_goes_what_is_held_stays_and_all_comes_back(tmp_path: Path) -> None:
    run(OLD, tmp_path)
    data = ("--data", tmp_path)
    hold = rollbook("hold", "add", "--user", "ada", "--why", "case 7", *data).stdout.strip()
    would = json.loads(rollbook("lifecycle", "run", "--dry-run", "--json", *data).stdout)
    assert [(one["events"], one["days"], one["held_days"]) for one in would] == [(1, ["2026-03-03"], ["2026-03-02"])]
    assert json.loads(rollbook("archive", "list", "--json", *data).stdout) == []
    with serving(tmp_path):
        assert rollbook("hold", "remove", hold, *data).returncode == 0
        gone = json.loads(rollbook("lifecycle", "run", "--json", *data).stdout)
        assert [one["events"] for one in gone] == [2]
        (archive,) = json.loads(rollbook("archive", "list", "--json", *data).stdout)
        assert (archive["rows"], archive["first"], archive["last"]) == (2, "2026-03-02", "2026-03-03")
        restored = rollbook("archive", "restore", "--from", "2026-03-03", *data)
        assert restored.stdout == "1 of 1 archived events of 1 days restored into default\n"
    copied = rollbook("archive", "restore", "--into", "copy", *data)
    assert copied.stdout == "1 of 1 archived events of 1 days restored into copy\n"
    again = rollbook("archive", "restore", "--to", "2020-01-01", *data)
    assert again.returncode != 0
    assert "no archived days" in again.stderr
    assert rollbook("verify", *data).returncode == 0


def test_the_report_says_what_is_held_how_old_and_on_what_basis(store: Store, tenant: str) -> None:
    told(store, tenant, [aged("view", "ada", source="s"), aged("view", "bob", "2026-04-03T10:00")])
    expire(store, tenant, event_days=100)
    found = compliance.report(store, tenant)
    assert {row["table"]: row["rows"] for row in found.tables}["sealed_activity"] == 2
    assert "events" not in {row["table"] for row in found.tables}
    assert found.raw_since == "2026-04-04"
    assert [row["rows"] for row in found.archives] == [1, 1]
    assert next(rule["days"] for rule in found.rules if rule["what"] == "raw events") == 100
    assert {one["purpose"] for one in found.basis} == {"analytics", "prediction", "text", "sharing"}
    text = compliance.markdown(found)
    assert f"# What Rollbook holds of {tenant}" in text
    assert "ada" not in text
    assert "bob" not in text
