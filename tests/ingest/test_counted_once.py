"""Counted once: whoever sends an event again, however, whenever, and whatever happened in between."""

import json
import threading
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from rollbook.ingest.batch import Receipt
from rollbook.ingest.intake import Intake
from rollbook.store import Store
from tests import processes
from tests.ingest import kept


def send(intake: Intake, tenant: str, *ids: str, key: str | None = None, dialect: str = "native") -> Receipt:
    """Send one event for each id; "" is an event without one."""
    named = [{"event_type": "seen", "type": "seen", "user_id": "ada"} | ({"event_id": i} if i else {}) for i in ids]
    return intake.take_now(json.dumps(named).encode(), dialect, tenant, key)


def numbers(receipt: Receipt) -> tuple[int, int]:
    """Ingested and duplicates."""
    return receipt.ingested, receipt.duplicates


def test_within_a_batch(store: Store, intake: Intake, tenant: str) -> None:
    receipt = send(intake, tenant, "a", "b", "a", "a", "c")
    assert numbers(receipt) == (3, 2)
    assert receipt.ids == ["a", "b", "a", "a", "c"]
    assert kept.ids(store, tenant) == {"a": 1, "b": 1, "c": 1}


def test_across_batches_before_and_after_keys_are_settled(store: Store, intake: Intake, tenant: str) -> None:
    assert numbers(send(intake, tenant, "a", "b")) == (2, 0)
    assert numbers(send(intake, tenant, "b", "c")) == (1, 1)
    intake.tend(now=True)
    assert intake.seen.pending() == 0
    assert numbers(send(intake, tenant, "a", "b", "c", "d")) == (1, 3)
    assert set(kept.ids(store, tenant).values()) == {1}


def test_across_dialects(intake: Intake, tenant: str) -> None:
    assert numbers(send(intake, tenant, "a", dialect="agent")) == (1, 0)
    assert numbers(send(intake, tenant, "a", dialect="ingest")) == (0, 1)
    assert numbers(send(intake, tenant, "a", dialect="engine")) == (0, 1)


def test_a_changed_event_with_the_same_id_is_the_same_event(store: Store, intake: Intake, tenant: str) -> None:
    first = b'{"event_type": "seen", "event_id": "a", "timestamp": "2026-03-02T10:00:00Z"}'
    second = b'{"event_type": "other", "event_id": "a", "timestamp": "2025-01-01T00:00:00Z", "user_id": "bob"}'
    assert numbers(intake.take_now(first, "native", tenant)) == (1, 0)
    assert numbers(intake.take_now(second, "native", tenant)) == (0, 1)
    assert kept.event(store, tenant)["type"] == "seen"


def test_tenants_are_apart(store: Store, intake: Intake, tenant: str) -> None:
    other = f"{tenant}-other"
    assert numbers(send(intake, tenant, "a")) == (1, 0)
    assert numbers(send(intake, other, "a")) == (1, 0)
    mixed = [{"event_type": "seen", "event_id": "b", "tenant_id": name} for name in (tenant, other, tenant)]
    assert numbers(intake.take_now(json.dumps(mixed).encode(), "native")) == (2, 1)
    assert kept.ids(store, tenant) == kept.ids(store, other) == {"a": 1, "b": 1}


def test_no_tenant_and_id_can_look_like_another_tenants(intake: Intake, tenant: str) -> None:
    # the key of an event is made of its tenant, a separator and its id
    assert numbers(send(intake, tenant, "b\x1fc")) == (1, 0)
    posing = json.dumps({"event_type": "seen", "tenant_id": f"{tenant}\x1fb", "event_id": "c"}).encode()
    assert [one.reason for one in intake.take_now(posing, "native").rejected] == ["invalid_tenant"]
    assert numbers(send(intake, f"{tenant}b", "c")) == (1, 0)


@pytest.mark.parametrize(
    "odd", [" ", "\t", "a\nb", "'", "\\", "é", "e\u0301", "🎓", "x" * 256, "A", "a", "0", "{id:String}"]
)
def test_ids_of_any_text(store: Store, intake: Intake, tenant: str, odd: str) -> None:
    assert numbers(send(intake, tenant, odd, odd)) == (1, 1)
    intake.tend(now=True)
    assert numbers(send(intake, tenant, odd)) == (0, 1)
    assert kept.ids(store, tenant) == {odd: 1}


def test_an_idempotency_key_makes_ids_of_places(store: Store, intake: Intake, tenant: str) -> None:
    assert numbers(send(intake, tenant, "", "b", "", key="k")) == (3, 0)
    assert numbers(send(intake, tenant, "", "b", "", key="k")) == (0, 3)
    assert numbers(send(intake, tenant, "", "b", "", key="l")) == (2, 1)
    assert kept.ids(store, tenant) == dict.fromkeys(["k:0", "b", "k:2", "l:0", "l:2"], 1)


def test_without_an_id_and_a_key_a_retry_counts_twice(store: Store, intake: Intake, tenant: str) -> None:
    assert numbers(send(intake, tenant, "", "")) == (2, 0)
    assert numbers(send(intake, tenant, "", "")) == (2, 0)
    assert len(kept.ids(store, tenant)) == 4


def test_at_once_from_many_threads(store: Store, intake: Intake, tenant: str) -> None:
    everybody = threading.Barrier(8)
    receipts: list[Receipt] = []

    def work() -> None:
        everybody.wait()
        ranges = [range(start, start + 40) for start in range(0, 200, 20)]
        receipts.extend(send(intake, tenant, *(f"e{n}" for n in some)) for some in ranges)

    workers = [threading.Thread(target=work) for _ in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sum(receipt.ingested for receipt in receipts) == 220
    assert sum(receipt.ingested + receipt.duplicates for receipt in receipts) == 8 * 10 * 40
    assert kept.ids(store, tenant) == {f"e{n}": 1 for n in range(220)}


class Story(RuleBasedStateMachine):
    """Batches with ids from a small set, keys settled now and then; a set knows what was committed."""

    store: Store
    intake: Intake
    stories = 0

    @initialize()
    def begin(self) -> None:
        Story.stories += 1
        self.tenants = [f"story-{Story.stories}-{name}" for name in "ab"]
        self.known: set[tuple[str, str]] = set()

    @rule(told=st.lists(st.tuples(st.integers(0, 1), st.sampled_from("abcdefgh")), min_size=1, max_size=12))
    def batch(self, told: list[tuple[int, str]]) -> None:
        pairs = [(self.tenants[place], name) for place, name in told]
        body = [{"event_type": "seen", "tenant_id": tenant, "event_id": name} for tenant, name in pairs]
        new = set(pairs) - self.known
        receipt = self.intake.take_now(json.dumps(body).encode(), "native")
        assert numbers(receipt) == (len(new), len(pairs) - len(new))
        self.known |= new

    @rule()
    def settle(self) -> None:
        self.intake.tend(now=True)

    @invariant()
    def exact(self) -> None:
        found = {(tenant, name): n for tenant in self.tenants for name, n in kept.ids(self.store, tenant).items()}
        assert found == dict.fromkeys(self.known, 1)


def test_any_story(store: Store, intake: Intake) -> None:
    Story.store, Story.intake = store, intake
    run_state_machine_as_test(
        Story, settings=hypothesis_settings(max_examples=25, stateful_step_count=12, deadline=None)
    )


# a process that sends batches of ids, and then stops cleanly or dies; one line for each receipt
SENDER = """
    import json, os, sys
    from pathlib import Path
    from rollbook.ingest.intake import Intake
    from rollbook.settings import load
    from rollbook.store import Store

    folder, batches, end = Path(sys.argv[1]), json.loads(sys.argv[2]), sys.argv[3]
    store = Store(load(data=folder))
    intake = Intake(store)
    if end == "warm":
        assert intake.seen.wait_until_warm(60)
    for ids in batches:
        body = [{"event_type": "seen", "event_id": one} for one in ids]
        receipt = intake.take_now(json.dumps(body).encode(), "native")
        print(json.dumps([receipt.ingested, receipt.duplicates]), flush=True)
        if end == "settled":
            intake.tend(now=True)
    if end in ("killed", "settled", "warm"):
        os._exit(0)
    intake.close()
    store.close()
"""


def sent(folder: Path, batches: list[list[str]], end: str) -> list[Any]:
    """The numbers of every receipt of a process of its own."""
    return [json.loads(line) for line in processes.run(SENDER, folder, json.dumps(batches), end)]


def test_after_clean_and_unclean_stops(tmp_path: Path) -> None:
    assert sent(tmp_path, [["a", "b"], ["b", "c"]], "clean") == [[2, 0], [1, 1]]
    assert (tmp_path / "dedup" / "filters.json").exists()
    # the filters of the clean stop are used, once: what comes after it is not in them
    assert sent(tmp_path, [["a", "d"], ["c", "d"]], "killed") == [[1, 1], [0, 2]]
    assert not (tmp_path / "dedup" / "filters.json").exists()
    assert sent(tmp_path, [["d", "e"]], "settled") == [[1, 1]]
    assert sent(tmp_path, [["a", "d", "e", "f"]], "warm") == [[1, 3]]
    assert sent(tmp_path, [["f"], ["g"], ["a", "b", "c", "d", "e", "f", "g"]], "clean") == [[0, 1], [1, 0], [0, 7]]
    assert sent(tmp_path, [["a", "b", "c", "d", "e", "f", "g"]], "clean") == [[0, 7]]


def test_filters_that_are_older_than_the_events_are_not_believed(tmp_path: Path) -> None:
    sent(tmp_path, [["a"]], "clean")
    filters = {path.name: path.read_bytes() for path in (tmp_path / "dedup").iterdir()}
    sent(tmp_path, [["b"]], "killed")
    # as if the death had brought the files back, as a power cut can
    for name, content in filters.items():
        (tmp_path / "dedup" / name).write_bytes(content)
    assert sent(tmp_path, [["a", "b", "c"]], "clean") == [[1, 2]]


@pytest.mark.parametrize(
    "damage", ["", "[]", "null", "{}", '{"filled": 5, "layers": []}', '{"filled": null, "layers": [[1]]}']
)
def test_damaged_filters_are_made_anew(tmp_path: Path, damage: str) -> None:
    sent(tmp_path, [["a"]], "clean")
    (tmp_path / "dedup" / "filters.json").write_text(damage)
    assert sent(tmp_path, [["a", "b"]], "clean") == [[1, 1]]


def test_a_torn_filter_is_made_anew(tmp_path: Path) -> None:
    sent(tmp_path, [["a"]], "clean")
    (bloom,) = (tmp_path / "dedup").glob("*.filter")
    bloom.write_bytes(bloom.read_bytes()[:-1000])
    assert sent(tmp_path, [["a", "b"]], "clean") == [[1, 1]]
    (bloom,) = (tmp_path / "dedup").glob("*.filter")
    bloom.write_bytes(bytes(bloom.stat().st_size))
    assert sent(tmp_path, [["a", "b", "c"]], "clean") == [[1, 2]]


# events that were received some days ago, then the way in with a window of 30 days
WINDOW = """
    import json, sys
    from datetime import UTC, datetime, timedelta
    from pathlib import Path
    from rollbook.ingest.intake import Intake
    from rollbook.settings import load
    from rollbook.store import Store
    from tests.stories import happened, tell

    folder = Path(sys.argv[1])
    now = datetime.now(UTC)
    with Store(load(data=folder)) as store:
        ages = {age: now - timedelta(days=age) for age in (0, 1, 29, 31, 80)}
        tell(store, "default", [happened("seen", id=f"{age} days", received=then) for age, then in ages.items()])
    with Store(load(data=folder, dedup_window_days=int(sys.argv[2]))) as store:
        intake = Intake(store)
        body = json.dumps([{"event_type": "seen", "event_id": f"{age} days"} for age in (0, 1, 29, 31, 80, 80)])
        for _ in range(2):
            receipt = intake.take_now(body.encode(), "native")
            print(json.dumps([receipt.ingested, receipt.duplicates]))
            intake.seen.expire()
        rows = store.engine.query("select id from events group by id having count() = 2")
        print(json.dumps(sorted(row["id"] for row in rows)))
        intake.close()
"""


@pytest.mark.parametrize(
    ("window", "again"), [(30, ["31 days", "80 days"]), (28, ["29 days", "31 days", "80 days"]), (365, [])]
)
def test_the_window_counts_from_receipt(tmp_path: Path, window: int, again: list[str]) -> None:
    first, second, twice = map(json.loads, processes.run(WINDOW, tmp_path, window))
    assert first == [len(again), 6 - len(again)]
    assert second == [0, 6]
    assert twice == again


# a filter of a megabyte holds some 200,000 keys; four times as many come, twice, and then again after a death
OVERFULL = """
    import json, os, sys
    from datetime import datetime
    from pathlib import Path
    import numpy as np, pyarrow as pa
    from rollbook.ingest.importing import event_rows
    from rollbook.ingest.intake import Intake
    from rollbook.settings import load
    from rollbook.store import Store

    def rows(begin, end):
        numbers = pa.array(range(begin, end)).cast(pa.string())
        times = pa.array(np.full(end - begin, np.datetime64("2026-03-02T10:00:00", "ms")))
        return event_rows("default", {"id": numbers, "type": "seen", "properties": "{}", "timestamp": times})

    store = Store(load(data=Path(sys.argv[1]), dedup_filter_bytes=1 << 20))
    intake = Intake(store)
    if sys.argv[2] == "warm":
        assert intake.seen.wait_until_warm(120)
    for begin, end in json.loads(sys.argv[3]):
        receipt = intake.load(rows(begin, end), "import:test")
        print(json.dumps([receipt.ingested, receipt.duplicates]), flush=True)
        intake.tend(now=True)
    print(json.dumps(sum(layer.capacity for layer in intake.seen._layers)))
    print(json.dumps(store.engine.query("select uniqExact(id) as ids, count() as events from events")[0]))
    sys.stdout.flush()
    os._exit(0)
"""


@pytest.mark.slow
def test_an_overfull_filter_is_still_exact(tmp_path: Path) -> None:
    first = [[0, 200_000], [150_000, 350_000], [350_000, 500_000], [499_999, 500_001]]
    *receipts, capacity, found = map(json.loads, processes.run(OVERFULL, tmp_path, "cold", json.dumps(first)))
    assert receipts == [[200_000, 0], [150_000, 50_000], [150_000, 0], [1, 1]]
    assert capacity * 2.4 <= 1 << 20
    assert found == {"ids": 500_001, "events": 500_001}
    second = [[499_000, 501_000], [0, 1_000]]
    *receipts, capacity, found = map(json.loads, processes.run(OVERFULL, tmp_path, "warm", json.dumps(second)))
    assert receipts == [[999, 1_001], [0, 1_000]]
    assert capacity * 2.4 <= 1 << 20
    assert found == {"ids": 501_000, "events": 501_000}


def test_events_that_wait_are_known_to_each_other(store: Store, intake: Intake, tenant: str) -> None:
    """Many under way at once: they are committed in groups, and the second of two in a group is a duplicate."""
    ends = [
        intake.take_later(b'{"event_type": "seen", "event_id": "%d"}' % (n % 10), "native", tenant) for n in range(100)
    ]
    receipts = [end() for end in ends]
    assert Counter(numbers(receipt) for receipt in receipts) == {(1, 0): 10, (0, 1): 90}
    assert kept.ids(store, tenant) == {str(n): 1 for n in range(10)}
