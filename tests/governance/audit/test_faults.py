"""The audit trail when what it writes to is away, too slow, or shared by several processes."""

import contextlib
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from rollbook.errors import Unavailable
from rollbook.governance.audit import Trail, trail
from rollbook.governance.audit.checking import Checking
from rollbook.governance.audit.trail import ingested
from rollbook.settings import load
from rollbook.store import Store, audit_lines
from tests.governance.trails import read, shown
from tests.services import clickhouse, free_port


@pytest.fixture(scope="module")
def port() -> int:
    """Where a ClickHouse will be."""
    return free_port()


@pytest.fixture
def shared(port: int, tmp_path: Path) -> Iterator[tuple[Store, contextlib.ExitStack]]:
    """A store on a ClickHouse server, and the server, to be closed."""
    with contextlib.ExitStack() as server:
        server.enter_context(clickhouse(tmp_path / "clickhouse", port))
        address = f"http://127.0.0.1:{port}/default"
        with Store(load(data=tmp_path / "data", clickhouse_url=address, roll_quiet_seconds=10**9)) as store:
            yield store, server


def test_a_server_that_goes_away_refuses_and_a_new_chain_begins(
    shared: tuple[Store, contextlib.ExitStack], port: int, tmp_path: Path, tenant: str
) -> None:
    store, server = shared
    opened = Trail(store)
    opened.note_now(read(tenant), read(tenant))
    server.close()
    with pytest.raises(Unavailable):
        opened.note_now(read(tenant))
    server.enter_context(clickhouse(tmp_path / "clickhouse", port))
    opened.note_now(read(tenant))
    assert sorted((line["number"], line["action"]) for line in shown(store, opened, tenant)) == [
        (1, "read"), (1, "read"), (2, "read"),
    ]  # fmt: skip
    verdict = Checking(store, opened.keys).check(tenant)
    assert (verdict.lines, verdict.chains, verdict.bad) == (3, 2, None)
    opened.close()


def test_two_processes_write_two_chains(shared: tuple[Store, contextlib.ExitStack], tenant: str) -> None:
    store, _ = shared
    both = [Trail(store), Trail(store)]
    for number in range(6):
        both[number % 2].note_now(read(tenant))
    verdict = Checking(store, both[0].keys).check(tenant)
    assert (verdict.lines, verdict.chains, verdict.bad) == (6, 2, None)
    # the same records, the same names and the same key
    assert both[0].keys.id == both[1].keys.id
    assert {(line["actor"], line["person"]) for line in shown(store, both[1], tenant)} == {("grace", "ada")}
    for one in both:
        one.close()


def test_too_many_lines_are_refused(store: Store, tenant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = Trail(store)
    going, gone = threading.Event(), threading.Event()
    append = audit_lines.append

    def slowly(*given: object) -> None:
        going.set()
        assert gone.wait(60)
        append(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(audit_lines, "append", slowly)
    monkeypatch.setattr(trail, "MOST_WAITING", 3)
    first = threading.Thread(target=opened.note_now, args=[read(tenant)])
    first.start()
    assert going.wait(60)
    with pytest.raises(Unavailable, match="too many lines"):
        opened.note_now(*(read(tenant) for _ in range(4)))
    second = threading.Thread(target=opened.note_now, args=[read(tenant), read(tenant)])
    second.start()
    gone.set()
    first.join()
    second.join()
    assert [line["number"] for line in shown(store, opened, tenant)] == [3, 2, 1]
    opened.close()


def test_ingest_lines_that_find_no_room_become_one(store: Store, tenant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    stamp = datetime(2026, 3, 2, 10, tzinfo=UTC)
    opened = Trail(store)
    monkeypatch.setattr(trail, "MOST_WAITING", 2)
    for second in range(5):
        opened.note_soon(ingested(tenant, "native", stamp + timedelta(seconds=second), 10))
    opened.note_soon(ingested(tenant, "agent", stamp + timedelta(seconds=9), 1))
    opened.close()
    found = [(line["received"].second, line["detail"]) for line in reversed(shown(store, opened, tenant))]
    assert found == [
        (0, {"dialect": "native", "events": 10}),
        (1, {"dialect": "native", "events": 10}),
        (4, {"dialect": "native", "events": 30, "groups": 3}),
        (9, {"dialect": "agent", "events": 1}),
    ]
