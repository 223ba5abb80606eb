"""Old events: requests over hundreds of months make nobody wait, and are as exact as any other."""

import json
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pyarrow as pa
import pytest

from rollbook.ingest.batch import Batch
from rollbook.ingest.dialects import DIALECTS
from rollbook.ingest.importing import event_rows
from rollbook.ingest.intake import Intake
from rollbook.ingest.pipeline import prepare
from rollbook.ingest.waiting import MOST_MONTHS, Lane, Waiting
from rollbook.settings import Settings, load
from rollbook.store import Store
from tests.cli.terminal import serving
from tests.ingest import kept
from tests.services import clickhouse

MONTHS = [f"{year}-{month:02}-{1 + month:02}T12:00:00Z" for year in (2023, 2024) for month in range(1, 13)]
CENTURY = [f"{year}-{month:02}-01T12:00:00Z" for year in range(2000, 2026) for month in range(1, 13)]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A store of its own, on a server: in the one that all tests share, so many months would make the others slow."""
    with clickhouse(tmp_path_factory.mktemp("clickhouse")) as url:
        # nobody renews the lease here, and on a busy machine the file takes longer than one lasts
        lasting = {"roll_quiet_seconds": 10**9, "writer_expiry_seconds": 3600}
        settings = load(data=tmp_path_factory.mktemp("old"), clickhouse_url=f"{url}/old", **lasting)
        with Store(settings) as opened:
            yield opened


def body(*events: Any) -> bytes:
    """Events as a list."""
    return json.dumps(events).encode()


def seen(name: str, at: str, **more: Any) -> dict[str, Any]:
    """One event."""
    return {"event_type": "seen", "user_id": "ada", "event_id": name, "timestamp": at} | more


def waiting(settings: Settings, *events: Any) -> Waiting:
    """A prepared request."""
    batch = prepare(Batch(body(*events), DIALECTS["native"], datetime.now(UTC), "default"), settings)
    return Waiting(Future(), batch)


@pytest.mark.parametrize(
    ("now", "at", "old"),
    [
        ("2026-03-02", "2026-03-01T00:00:00Z", False),
        ("2026-03-02", "2026-02-01T00:00:00Z", False),
        ("2026-03-02", "2026-01-31T23:59:59Z", True),
        ("2026-03-02", "2026-02-01T00:30:00+01:00", True),
        ("2026-01-31", "2025-12-01T00:00:00Z", False),
        ("2026-01-31", "2025-11-30T23:59:59Z", True),
        ("2026-02-01", "2026-01-01T00:00:00Z", False),
        ("2026-02-01", "2025-12-31T23:59:59Z", True),
    ],
)
def test_old_is_before_the_previous_month(settings: Settings, now: str, at: str, old: bool) -> None:
    moment = datetime.fromisoformat(now).replace(tzinfo=UTC)
    assert waiting(settings, seen("a", at)).is_old(moment) is old
    assert waiting(settings, seen("a", at), seen("b", "2026-03-01")).is_old(moment) is old
    times = pa.array([datetime.fromisoformat(at).astimezone(UTC).replace(tzinfo=None)], pa.timestamp("ms"))
    assert Waiting(Future(), rows=event_rows("t", {"id": pa.array(["a"]), "timestamp": times})).is_old(moment) is old
    assert not waiting(settings).is_old(moment)


def test_the_lane_hands_out_a_few_months_at_a_time(settings: Settings) -> None:
    lane = Lane(most_events=100)
    wide = waiting(settings, *(seen(str(n), at) for n, at in enumerate(MONTHS[:10] * 2)))
    narrow = waiting(settings, seen("x", MONTHS[1]), seen("y", MONTHS[8]))
    later = waiting(settings, seen("z", MONTHS[20]))
    for one in (wide, narrow, later):
        lane.add(one)
    first = lane.next()
    assert [(part.request.waiting, len(part.rows), part.last) for part in first] == [
        (wide, 2 * MOST_MONTHS, False), (narrow, 1, False),
    ]  # fmt: skip
    second = lane.next()
    assert [(part.request.waiting, len(part.rows), part.last) for part in second] == [
        (wide, 2 * (10 - MOST_MONTHS), True), (narrow, 1, True),
    ]  # fmt: skip
    assert [(part.request.waiting, part.last) for part in lane.next()] == [(later, True)]
    assert len(lane) == 0


def test_a_slice_has_the_size_of_a_group_and_a_bulk_load_goes_alone(settings: Settings) -> None:
    lane = Lane(most_events=2)
    times = pa.array([datetime(2000, 1, 1)] * 5, pa.timestamp("ms"))
    bulk = Waiting(
        Future(), rows=event_rows("t", {"id": pa.array(list("abcde")), "timestamp": times}), dialect="import:x"
    )
    pair, single, third = (waiting(settings, *(seen(str(n), MONTHS[0]) for n in range(count))) for count in (2, 1, 1))
    for one in (pair, single, bulk, third):
        lane.add(one)
    handed = []
    while lane:
        handed.append([part.request.waiting for part in lane.next()])
    assert handed == [[pair], [single, third], [bulk]]


def test_a_request_over_all_months_is_taken_whole(store: Store, intake: Intake, tenant: str) -> None:
    told = [seen(f"e{n}", at) for n, at in enumerate(MONTHS)]
    # the same id in two months, an event of today, one that is refused
    told += [seen("e0", MONTHS[-1]), seen("new", datetime.now(UTC).isoformat()), seen("bad", "soon")]
    receipt = intake.take_now(body(*told), "native", tenant)
    assert (receipt.ingested, receipt.duplicates) == (len(MONTHS) + 1, 1)
    assert [(one.index, one.reason) for one in receipt.rejected] == [(len(MONTHS) + 2, "invalid_timestamp")]
    assert kept.ids(store, tenant) == dict.fromkeys([*(f"e{n}" for n in range(len(MONTHS))), "new"], 1)
    assert len(kept.letters(store, tenant)) == 1
    assert kept.counts(intake, tenant) == {
        ("native", "accepted"): len(MONTHS) + 1, ("native", "late"): len(MONTHS), ("native", "duplicate"): 1,
        ("native", "rejected"): 1,
    }  # fmt: skip
    again = intake.take_now(body(*told), "native", tenant)
    assert (again.ingested, again.duplicates) == (0, len(MONTHS) + 2)
    intake.tend(now=True)
    assert intake.take_now(body(*told), "native", tenant).ingested == 0


def test_others_are_acknowledged_in_between(tmp_path: Path) -> None:
    with serving(tmp_path / "book") as server, httpx.Client(base_url=server.address, timeout=120) as client:
        old = body(*(seen(f"old{n}", at) for n, at in enumerate(CENTURY)))
        with ThreadPoolExecutor(1) as pool:
            answer = pool.submit(httpx.post, f"{server.address}/events", content=old, timeout=120)
            count = 0
            while not answer.done():
                event = seen(f"new{count}", datetime.now(UTC).isoformat())
                assert client.post("/events", json=event).json()["ingested"] == 1
                count += 1
        assert answer.result().json()["ingested"] == len(CENTURY)
        # there are 52 slices, and after each the others have their turn
        assert count > len(CENTURY) / MOST_MONTHS / 4
        found = client.get("/api/v2/ask/totals").json()["rows"][0]
        assert (found["events"], found["first"]) == (len(CENTURY) + count, "2000-01-01")


def test_requests_that_share_events_at_once(store: Store, intake: Intake, tenant: str) -> None:
    names = [f"e{n}" for n in range(len(MONTHS))]
    told = [seen(name, at) for name, at in zip(names, MONTHS, strict=True)]
    bodies = [body(*told), body(*told[::-1]), body(*told[:10]), body(*(seen(name, MONTHS[-1]) for name in names))]
    ends = [intake.take_later(one, "native", tenant) for one in bodies * 3]
    receipts = [end() for end in ends]
    assert sum(receipt.ingested for receipt in receipts) == len(names)
    assert sum(receipt.duplicates for receipt in receipts) == 3 * (3 * len(names) + 10) - len(names)
    assert kept.ids(store, tenant) == dict.fromkeys(names, 1)


def test_bulk_loads_over_many_months(store: Store, intake: Intake, tenant: str) -> None:
    moments = np.arange("2023-01", "2025-01", dtype="datetime64[M]").astype("datetime64[ms]")
    ids = pa.array([f"e{n}" for n in range(len(moments))])
    rows = event_rows(tenant, {"id": ids, "type": "seen", "properties": "{}", "timestamp": pa.array(moments)})
    assert (intake.load(rows, "import:test").ingested, intake.load(rows, "import:test").duplicates) == (24, 24)
    found = kept.events(store, tenant)
    assert [row["timestamp"].month for row in found[:2]] == [1, 2]
    assert len(found) == 24


def test_the_rollups_hold_them(store: Store, intake: Intake, tenant: str) -> None:
    intake.take_now(body(*(seen(f"e{n}", at) for n, at in enumerate(MONTHS))), "native", tenant)
    assert {at[:10] for at in MONTHS} <= {day.isoformat() for day in store.rollups.hot(tenant)}
    store.rollups.roll(quiet_seconds=0)
    assert store.rollups.differences(tenant) == []


def test_closing_waits_for_them(store: Store, tenant: str) -> None:
    own = Intake(store)
    end = own.take_later(body(*(seen(f"e{n}", at) for n, at in enumerate(MONTHS))), "native", tenant)
    own.close()
    assert end().ingested == len(MONTHS)
    assert timedelta(0) <= datetime.now(UTC) - kept.events(store, tenant)[0]["received"]
