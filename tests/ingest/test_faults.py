"""Faults: processes are killed and disks filled for real. Nothing acknowledged is missing, nothing is counted twice."""

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.cli.terminal import environment, serving
from tests.ingest.senders import Senders
from tests.services import clickhouse, free_port, missing

pytestmark = pytest.mark.slow

KILLS = 20


def aftermath(folder: Path, **more: str) -> dict[str, Any]:
    """What the folder holds, seen by a fresh process; `more` are environment variables."""
    command = [sys.executable, "-m", "tests.ingest.aftermath", str(folder)]
    done = subprocess.run(command, env=environment(**more), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def until(true: Callable[[], object], seconds: float = 60) -> None:
    """Wait until something holds; fail if it never does."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.01)


def enough(senders: Senders, events: int, *, refused: int = 0) -> Callable[..., bool]:
    """Whether so many events are acknowledged, and so many requests were answered 503."""
    return lambda *_: len(senders.acknowledged) >= events and senders.statuses.get(503, 0) >= refused


def assert_exact(found: dict[str, Any], senders: Senders) -> None:
    """Everything acknowledged is there, nothing twice, nothing that was never sent, and all rollups agree."""
    assert senders.acknowledged <= set(found["times"])
    assert set(found["times"]) <= senders.sent
    assert {key: times for key, times in found["times"].items() if times != 1} == {}
    assert found["differences"] == []
    assert found["without_key"] == 0


def test_kill_9_in_the_middle_of_ingest_twenty_times_in_a_row(tmp_path: Path) -> None:
    senders = Senders()
    chance = random.Random(20)
    for _ in range(KILLS):
        before = len(senders.acknowledged)
        with serving(tmp_path) as server:
            finished = senders.run(server.address, lambda _: False)
            until(enough(senders, before + chance.randrange(600, 6_000)))
            os.kill(server.process.pid, signal.SIGKILL)
            assert finished.wait(60)
    assert len(senders.acknowledged) >= KILLS * 600
    with serving(tmp_path) as server:
        # every client sends once more what was never answered
        settled = senders.settle(server.address)
        assert settled.wait(60)
        assert server.stop() == 0
    found = aftermath(tmp_path)
    assert_exact(found, senders)
    assert senders.acknowledged == senders.sent == set(found["times"])
    # counted from the tables after every crash
    assert found["accepted"] == len(found["times"])


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 96 MB of its own."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=96m", "tmpfs", str(place)], capture_output=True, text=True, check=False
    )
    if mounted.returncode:
        missing(f"a small disk needs the right to mount a tmpfs (run as root): {mounted.stderr.strip()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


def test_a_full_disk_is_a_503_and_it_goes_on_by_itself_when_there_is_room(small_disk: Path) -> None:
    ballast = small_disk / "ballast"
    ballast.write_bytes(os.urandom(24 << 20))
    senders = Senders(threads=3, batch=2_000)
    with serving(small_disk / "data") as server:

        def refuses() -> bool:
            # a merge may give room for a while, so that it is fine again between two refusals
            told = httpx.get(f"{server.address}/health", timeout=30).json()
            return bool(told["status"] == "degraded" and told["checks"]["ingest"] != "ok")

        full = senders.run(server.address, lambda all_of_them: all_of_them.statuses.get(503, 0) >= 12 and refuses())
        assert full.wait(300)
        assert server.process.poll() is None
        refused = httpx.post(f"{server.address}/events", content=b'{"event_type": "x"}', timeout=30)
        assert "retry-after" in refused.headers or refused.status_code == 200
        ballast.unlink()
        again = senders.settle(server.address)
        assert again.wait(120)
        assert httpx.get(f"{server.address}/health", timeout=30).json()["checks"]["ingest"] == "ok"
        assert server.stop() == 0
    # the room that is left is too little for a fresh process to roll everything up in place
    subprocess.run(["mount", "-o", "remount,size=512m", str(small_disk)], check=True)
    found = aftermath(small_disk / "data")
    if refused.status_code == 200:
        found["times"].pop(refused.json()["event_id"])
    assert_exact(found, senders)
    assert senders.statuses[503] >= 12
    assert "detail" in senders.answers[503]


def test_a_store_that_goes_away_is_a_503_and_it_goes_on_by_itself_when_it_is_back(tmp_path: Path) -> None:
    port, senders = free_port(), Senders()
    address = {"ROLLBOOK_CLICKHOUSE_URL": f"http://127.0.0.1:{port}/default"}
    with contextlib.ExitStack() as database:
        database.enter_context(clickhouse(tmp_path / "clickhouse", port))
        with serving(tmp_path / "data", **address) as server:
            taken = senders.run(server.address, enough(senders, 2_000, refused=5))
            until(enough(senders, 2_000))
            database.close()
            assert taken.wait(120)
            assert server.process.poll() is None
            assert httpx.get(f"{server.address}/health", timeout=60).status_code == 503
            database.enter_context(clickhouse(tmp_path / "clickhouse", port))
            again = senders.settle(server.address)
            assert again.wait(120)
            assert httpx.get(f"{server.address}/health", timeout=60).status_code == 200
            assert server.stop() == 0
        assert_exact(aftermath(tmp_path / "data", **address), senders)
    assert senders.statuses[503] >= 5
