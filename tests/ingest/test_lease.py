"""The lease: of several processes on one ClickHouse server one writes, the others answer, and take over."""

import json
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from rollbook.analyses.ask import ask
from rollbook.analyses.totals import Totals
from rollbook.errors import Unavailable
from rollbook.ingest.intake import Intake
from rollbook.settings import Settings, load
from rollbook.store import Store
from rollbook.store.engine import Engine
from rollbook.store.lease import Lease
from tests import processes
from tests.cli.terminal import serving
from tests.ingest import kept
from tests.services import clickhouse

EXPIRY_SECONDS = 5


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a ClickHouse."""
    with clickhouse(tmp_path_factory.mktemp("clickhouse")) as url:
        yield url


@pytest.fixture
def database(server: str, tenant: str) -> str:
    """The address of a database of its own."""
    return f"{server}/{tenant.replace('-', '_')}"


def settings_of(database: str, folder: Path) -> Settings:
    """The settings of one of several processes."""
    return load(data=folder, clickhouse_url=database, writer_expiry_seconds=EXPIRY_SECONDS, roll_quiet_seconds=10**9)


def send(intake: Intake, *ids: str) -> tuple[int, int]:
    """Send events; ingested and duplicates."""
    receipt = intake.take_now(json.dumps([{"event_type": "seen", "event_id": i} for i in ids]).encode(), "native")
    return receipt.ingested, receipt.duplicates


def total(store: Store) -> int:
    """How many events a question finds."""
    return ask(store, Totals()).rows[0].events


def until(true: Callable[[], object], seconds: float = 60) -> None:
    """Wait until something holds; fail if it never does."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.05)


def test_one_writes_the_others_answer_and_take_over(database: str, tmp_path: Path) -> None:
    with Store(settings_of(database, tmp_path / "a")) as first, Store(settings_of(database, tmp_path / "b")) as second:
        one, other = Intake(first), Intake(second)
        assert (first.may_write(), second.may_write()) == (True, False)
        assert send(one, "a", "b") == (2, 0)
        with pytest.raises(Unavailable, match=f"process {os.getpid()} on .* writes to this ClickHouse") as refused:
            send(other, "c")
        assert refused.value.retry_after_seconds >= 1
        assert second.trouble is not None
        # exact in both, whatever is rolled up
        assert total(first) == total(second) == 2
        assert first.rollups.roll(quiet_seconds=0) == 1
        assert second.rollups.roll(quiet_seconds=0) == 0
        assert send(one, "c") == (1, 0)
        assert total(first) == total(second) == 3
        other.renew()
        assert not second.may_write()
        one.close()
        first.close()
        until(other.renew)
        assert send(other, "a", "b", "c", "d") == (1, 3)
        assert total(second) == 4
        assert second.trouble is None
        assert kept.ids(second, "default") == dict.fromkeys("abcd", 1)
        assert kept.counts(other, "default") == {("native", "accepted"): 4, ("native", "duplicate"): 3}
        assert second.rollups.differences() == []
        other.close()


def test_a_silent_writer_stops_before_another_takes_over(database: str, tmp_path: Path) -> None:
    with Store(settings_of(database, tmp_path / "a")) as first, Store(settings_of(database, tmp_path / "b")) as second:
        one, other = Intake(first), Intake(second)
        assert send(one, "a") == (1, 0)

        def taken_over() -> bool:
            other.renew()
            assert not (first.may_write() and second.may_write())
            return second.may_write()

        # the first says nothing any more, as if its machine slept
        until(taken_over)
        with pytest.raises(Unavailable):
            send(one, "b")
        assert send(other, "a", "b") == (1, 1)
        for _ in range(3):
            # it wakes up, and queues up behind the other
            one.renew()
            other.renew()
            assert (first.may_write(), second.may_write()) == (False, True)
        with pytest.raises(Unavailable, match="writes to this ClickHouse"):
            send(one, "c")
        assert total(first) == total(second) == 2
        other.close()
        second.close()
        until(one.renew)
        assert send(one, "a", "b", "c") == (1, 2)
        assert first.rollups.differences() == []
        one.close()


def test_a_writer_that_could_not_renew_for_a_while_goes_on(database: str, tmp_path: Path) -> None:
    with Store(settings_of(database, tmp_path)) as store:
        intake = Intake(store)
        assert send(intake, "a") == (1, 0)
        until(lambda: not store.may_write())
        with pytest.raises(Unavailable, match="send it again"):
            send(intake, "b")
        until(intake.renew)
        assert send(intake, "a", "b") == (1, 1)
        intake.close()


# a process that writes an event and dies
DIES = """
    import os, sys
    from pathlib import Path
    from rollbook.ingest.intake import Intake
    from rollbook.settings import load
    from rollbook.store import Store

    store = Store(load(data=Path(sys.argv[1]), clickhouse_url=sys.argv[2], writer_expiry_seconds=3600))
    print(Intake(store).take_now(b'{"event_type": "seen", "event_id": "a"}', "native").ingested, flush=True)
    os._exit(0)
"""


def test_who_comes_back_to_its_folder_need_not_wait(database: str, tmp_path: Path) -> None:
    assert processes.run(DIES, tmp_path / "a", database) == ["1"]
    long = load(data=tmp_path / "b", clickhouse_url=database, writer_expiry_seconds=3600)
    with Store(long) as other:
        assert not other.may_write()
    assert processes.run(DIES, tmp_path / "a", database) == ["0"]


def test_of_many_that_claim_at_once_one_has_it(database: str, tmp_path: Path) -> None:
    engines = []
    for number in range(6):
        (tmp_path / str(number)).mkdir()
        engines.append(Engine(settings_of(database, tmp_path / str(number))))
    with Store(settings_of(database, tmp_path / "first")):
        pass
    with ThreadPoolExecutor(6) as pool:
        leases = list(pool.map(lambda n: Lease(engines[n], tmp_path / str(n), 60), range(6)))
    for _ in range(3):
        assert sum(lease.held() for lease in leases) <= 1
        for lease in leases:
            lease.renew()

    def one_has_it() -> bool:
        held = [lease.renew() for lease in leases]
        assert sum(held) <= 1
        return any(held)

    until(one_has_it)
    for engine in engines:
        engine.close()


def test_two_servers(database: str, tmp_path: Path) -> None:
    event = {"event_type": "seen", "user_id": "ada", "event_id": "a"}
    with (
        serving(tmp_path / "a", ROLLBOOK_CLICKHOUSE_URL=database) as first,
        serving(tmp_path / "b", ROLLBOOK_CLICKHOUSE_URL=database) as second,
    ):
        assert httpx.post(f"{first.address}/events", json=event).json()["ingested"] == 1
        refused = httpx.post(f"{second.address}/events", json=event)
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
        assert f"process {first.process.pid} on" in refused.json()["detail"]
        asked = httpx.get(f"{second.address}/api/v2/ask/totals")
        assert asked.json()["rows"][0]["events"] == 1
        health = httpx.get(f"{second.address}/health")
        assert (health.status_code, health.json()["status"]) == (200, "degraded")
        for path in ("dead-letters", "dead-letters/counts", "ingest/counters"):
            assert httpx.get(f"{second.address}/api/v2/{path}").status_code == 200
        assert first.stop() == 0
        until(lambda: httpx.post(f"{second.address}/events", json=event).status_code == 200)
        assert httpx.post(f"{second.address}/events", json=event).json()["duplicates"] == 1
        assert httpx.get(f"{second.address}/health").json()["status"] == "ok"
        assert second.stop() == 0
