"""Counters: what became of the events, per tenant, minute and dialect; the same numbers as in the tables."""

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa

from rollbook.ingest.importing import event_rows
from rollbook.ingest.intake import Intake
from rollbook.ingest.reasons import Rejected
from rollbook.store import Store, counters
from tests import processes
from tests.ingest import kept


def send(intake: Intake, tenant: str | None, *events: Any, dialect: str = "native", **more: Any) -> None:
    """Send a list of events."""
    intake.take_now(json.dumps(events).encode(), dialect, tenant, **more)


def seen(name: str = "", **more: Any) -> dict[str, Any]:
    """An event."""
    return {"event_type": "seen"} | ({"event_id": name} if name else {}) | more


def test_accepted_duplicate_and_rejected(intake: Intake, tenant: str) -> None:
    send(intake, tenant, seen("a"), seen("b"), seen("a"), 5)
    send(intake, tenant, seen("b"), seen("c"), {"event_type": ""})
    send(intake, tenant, {"type": "seen", "event_id": "c"}, {"type": "seen"}, dialect="ingest")
    assert kept.counts(intake, tenant) == {
        ("native", "accepted"): 3, ("native", "duplicate"): 2, ("native", "rejected"): 2,
        ("ingest", "accepted"): 1, ("ingest", "duplicate"): 1,
    }  # fmt: skip


def test_late_counts_beside_accepted(intake: Intake, tenant: str) -> None:
    def ago(hours: float) -> str:
        return (datetime.now(UTC) - timedelta(hours=hours)).isoformat()

    old = seen("x", timestamp=ago(25))
    send(
        intake, tenant, seen(timestamp=ago(23.9)), seen(timestamp=ago(24.1)), old, old, seen(), seen(timestamp=ago(-1))
    )
    assert kept.counts(intake, tenant) == {
        ("native", "accepted"): 5, ("native", "late"): 2, ("native", "duplicate"): 1,
    }  # fmt: skip


def test_imports_are_never_late(intake: Intake, tenant: str) -> None:
    times = pa.array([datetime(2013, 10, 1), datetime(2014, 2, 1)], pa.timestamp("ms"))
    rows = event_rows(tenant, {"id": pa.array(["a", "b"]), "type": "seen", "properties": "{}", "timestamp": times})
    assert intake.load(rows, "import:oulad").ingested == 2
    assert intake.load(rows, "import:oulad").duplicates == 2
    intake.refuse([Rejected(0, "invalid_type", "", b"{}", "map")], tenant, "import:oulad")
    assert kept.counts(intake, tenant) == {
        ("import:oulad", "accepted"): 2, ("import:oulad", "duplicate"): 2, ("import:oulad", "rejected"): 1,
    }  # fmt: skip


def test_each_event_counts_for_its_own_tenant(intake: Intake, tenant: str) -> None:
    other, third = f"{tenant}-other", f"{tenant}-third"
    told = [
        seen("a"), seen("a", tenant_id=other), seen("b", tenant_id=other, timestamp="2020-01-01T00:00:00Z"),
        {"event_type": "", "tenant_id": other}, {"event_type": "x" * 300, "tenant_id": third}, 5,
    ]  # fmt: skip
    send(intake, tenant, *told)
    send(intake, tenant, *told)
    assert kept.counts(intake, tenant) == {
        ("native", "accepted"): 1, ("native", "duplicate"): 1, ("native", "rejected"): 2,
    }  # fmt: skip
    assert kept.counts(intake, other) == {
        ("native", "accepted"): 2, ("native", "late"): 1, ("native", "duplicate"): 2, ("native", "rejected"): 2,
    }  # fmt: skip
    assert kept.counts(intake, third) == {("native", "rejected"): 2}


def test_a_batch_of_many_tenants(store: Store, intake: Intake, tenant: str) -> None:
    send(intake, tenant, *(seen(f"e{n}", tenant_id=f"{tenant}-{n % 50}") for n in range(150)))
    assert kept.counts(intake, f"{tenant}-0") == kept.counts(intake, f"{tenant}-49") == {("native", "accepted"): 3}
    assert kept.ids(store, f"{tenant}-7") == {"e7": 1, "e57": 1, "e107": 1}


def test_counted_by_minute_of_receipt(store: Store, intake: Intake, tenant: str) -> None:
    before = datetime.now(UTC).replace(second=0, microsecond=0)
    send(intake, tenant, seen(timestamp="2020-01-01T00:00:00Z"))
    intake.tally.flush()
    rows = counters.read(store.engine, tenant, before, datetime.now(UTC))
    assert {row["outcome"]: row["events"] for row in rows} == {"accepted": 1, "late": 1}
    assert all(before <= row["minute"] <= datetime.now(UTC) for row in rows)
    assert all(row["minute"].second == 0 for row in rows)


# sends, dies before the counts are written (or after some of them), and starts again
CRASH = """
    import json, os, sys
    from pathlib import Path
    from rollbook.ingest.intake import Intake
    from rollbook.settings import load
    from rollbook.store import Store

    store = Store(load(data=Path(sys.argv[1])))
    intake = Intake(store)
    for number in range(int(sys.argv[2])):
        told = [{"event_type": "seen", "tenant_id": "acme"}, {"event_type": "seen", "timestamp": "2020-01-01"},
                {"event_type": "", "tenant_id": "acme"}]
        intake.take_now(json.dumps(told).encode(), "agent")
        if number == 1:
            intake.tally.flush()
    rows = store.engine.query("select tenant, outcome, sum(events) as n from ingest_counters group by tenant, outcome")
    print(json.dumps([[row["tenant"], row["outcome"], row["n"]] for row in rows]), flush=True)
    if sys.argv[3] == "die":
        os._exit(0)
    intake.close()
    store.close()
"""


def test_a_crash_loses_no_count_but_duplicates(tmp_path: Path) -> None:
    processes.run(CRASH, tmp_path, 5, "die")
    for _ in range(2):
        (line,) = processes.run(CRASH, tmp_path, 0, "stop")
        found = {(tenant, outcome): n for tenant, outcome, n in json.loads(line)}
        assert found == {
            ("acme", "accepted"): 5, ("acme", "rejected"): 5, ("default", "accepted"): 5, ("default", "late"): 5,
        }  # fmt: skip


def test_counters_equal_the_tables(store: Store, intake: Intake, tenant: str) -> None:
    sent: Counter[str] = Counter()
    for number in range(30):
        name = f"{tenant}-{number % 3}"
        told = [seen(f"e{number // 6}"), seen(), {"event_type": ""}][: number % 4]
        send(intake, name, *told)
        sent[name] += len(told)
    for name, total in sent.items():
        counts = kept.counts(intake, name)
        assert counts.get(("native", "accepted"), 0) == sum(kept.ids(store, name).values())
        assert counts.get(("native", "rejected"), 0) == len(kept.letters(store, name))
        assert sum(counts.values()) == total
