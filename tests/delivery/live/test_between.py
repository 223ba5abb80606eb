"""Between processes: a notice of each commit over a real Redis, and nothing of the events in it."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest
import redis

from rollbook.delivery.live.between import CHANNEL, Between
from rollbook.delivery.live.touched import summed
from rollbook.store.asking.changes import Change, Changed, Changes, Committed
from tests.delivery.browsing import served
from tests.delivery.live.watching import seen, send, watching
from tests.services import clickhouse, free_port, redis_server

pytestmark = pytest.mark.service("redis")

STAMP = datetime(2026, 3, 2, 10, 0, 0, 123_000, UTC)
ROWS = pa.table(
    {
        "tenant": ["school", "other", "school"],
        "user": ["ada", "bo", "cy"],
        "received": pa.array([STAMP.replace(tzinfo=None)] * 3, pa.timestamp("ms")),
    }
)


class Heard:
    """What a process heard, and a way to wait for it."""

    def __init__(self) -> None:
        self.changes: list[Change] = []
        self._more = threading.Condition()

    def __call__(self, change: Change) -> None:
        """Hear."""
        with self._more:
            self.changes.append(change)
            self._more.notify_all()

    def until(self, number: int) -> list[Change]:
        """The changes, once there are so many."""
        with self._more:
            assert self._more.wait_for(lambda: len(self.changes) >= number, 60)
            return self.changes


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A Redis for these tests."""
    with redis_server() as address:
        yield address


def test_what_one_commits_the_others_hear_of_and_not_itself(url: str) -> None:
    here, there, heard_here, heard_there = Changes(), Changes(), Heard(), Heard()
    one, other = Between(url, here, heard_here), Between(url, there, heard_there)
    spy = redis.Redis.from_url(url).pubsub()  # type: ignore[no-untyped-call]
    spy.subscribe(CHANNEL)
    try:
        # when it begins to listen, anything may have changed
        assert heard_here.until(1) == heard_there.until(1) == [Changed(None)]
        here.committed(ROWS)
        committed = heard_there.until(2)[1]
        assert isinstance(committed, Committed)
        assert committed.stamp == there.stamp == STAMP
        touched = summed([committed])
        assert {tenant: found.all for tenant, found in touched.items()} == {"school": True, "other": True}
        # rows alone are no notice: the commit of them is
        here.changed("school", by_rows=True)
        here.changed("school")
        assert heard_there.until(3)[2] == Changed("school")
        assert heard_here.changes == [Changed(None)]
        texts = [message["data"] for _ in range(6) if (message := spy.get_message(timeout=1))]
        assert not any(b"ada" in text for text in texts if isinstance(text, bytes))
    finally:
        one.close()
        other.close()
        spy.close()


def test_redis_may_go_and_come_back() -> None:
    port = free_port()
    changes, heard = Changes(), Heard()
    with redis_server(port) as address:
        between = Between(address, changes, heard)
        heard.until(1)
    try:
        # nobody waits for Redis
        changes.committed(ROWS)
        with redis_server(port):
            assert heard.until(2)[1] == Changed(None)
    finally:
        between.close()


@pytest.mark.slow
def test_a_process_that_only_reads_sends_what_another_commits(url: str, tmp_path: Path) -> None:
    program = "from rollbook.cli import app; app()"
    with clickhouse(tmp_path / "clickhouse") as address:
        shared = {"ROLLBOOK_CLICKHOUSE_URL": f"{address}/shared", "REDIS_URL": url, "ROLLBOOK_AUTH": "none"}
        folders = [tmp_path / name for name in ("writer", "reader", "deaf")]
        for folder in folders:
            folder.mkdir()
        with served(folders[0], program, **shared) as writer, served(folders[1], program, **shared) as reader:
            with watching(reader) as client:
                client.watch("all", events={}, tenant_id="school")
                client.watch("sum", question="totals", tenant_id="school")
                client.until("answer")
                send(writer, seen("1"), seen("2"), tenant="school")
                ids = [client.until("event")["event"]["event_id"] for _ in range(2)]
                assert ids == ["1", "2"]
                assert client.until("answer")["answer"]["rows"][0]["events"] == 2
            # where other processes write, no answer is kept
            for _ in range(2):
                kept = reader.get("/api/v2/ask/totals", params={"tenant_id": "school", "as_of": "2026-03-08"})
                assert kept.headers["x-cache"] == "off"
        deaf = {name: value for name, value in shared.items() if name != "REDIS_URL"}
        with served(folders[2], program, **deaf) as alone, watching(alone) as client:
            client.say(type="subscribe", id="all", events={}, tenant_id="school")
            assert "REDIS_URL" in client.hear()["detail"]
