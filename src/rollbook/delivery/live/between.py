"""Between: what one process commits, told to the others over Redis; a small notice, never the events.

Only on a ClickHouse server, where several processes read what one writes. A notice may come late or, where Redis was
away, not at all: so after each gap everything counts as changed. Nothing that must be exact follows from notices.
"""

import contextlib
import json
import queue
import threading
import uuid
from collections.abc import Callable
from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc
import redis
import structlog
from redis.exceptions import RedisError

from rollbook.store.asking.changes import Change, Changed, Changes, Committed

log = structlog.get_logger()

CHANNEL = "rollbook:changes"
MOST_WAITING = 10_000
LOOK_SECONDS = 0.5
TIMEOUT_SECONDS = 5


class Between:
    """Two threads: one tells, one hears. `hear` gets what others tell; after a gap, that all may have changed."""

    def __init__(self, url: str, changes: Changes, hear: Callable[[Change], None]) -> None:
        self._me = uuid.uuid4().hex
        self._changes, self._hear = changes, hear
        self._redis = redis.Redis.from_url(
            url, socket_timeout=TIMEOUT_SECONDS, socket_connect_timeout=TIMEOUT_SECONDS, decode_responses=True
        )
        self._waiting: queue.Queue[str] = queue.Queue(MOST_WAITING)
        self._ends = threading.Event()
        self.listens = threading.Event()
        self._threads = [threading.Thread(target=work, daemon=True) for work in (self._tell_all, self._listen)]
        changes.listen(self._note)
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Tell and hear no more."""
        self._changes.ignore(self._note)
        self._ends.set()
        for thread in self._threads:
            thread.join(TIMEOUT_SECONDS)
        self._redis.close()

    def _note(self, change: Change) -> None:
        """Let a change of this process be told; called in any thread, and never waits."""
        if isinstance(change, Changed) and change.by_rows:
            return
        stamp = change.stamp.isoformat() if isinstance(change, Committed) else None
        tenants = pc.unique(change.rows["tenant"]).to_pylist() if isinstance(change, Committed) else [change.tenant]
        with contextlib.suppress(queue.Full):
            self._waiting.put_nowait(json.dumps({"from": self._me, "tenants": tenants, "stamp": stamp}))

    def _tell_all(self) -> None:
        while not self._ends.is_set():
            try:
                notice = self._waiting.get(timeout=LOOK_SECONDS)
            except queue.Empty:
                continue
            try:
                self._redis.publish(CHANNEL, notice)
            except RedisError as error:
                log.warning(
                    "change_not_told", detail=str(error), effect="others hear of it with the next, or in a while"
                )

    def _listen(self) -> None:
        while not self._ends.is_set():
            try:
                with self._redis.pubsub() as heard:  # type: ignore[no-untyped-call]
                    heard.subscribe(CHANNEL)
                    self._hear_all(heard)
            except RedisError as error:
                self.listens.clear()
                log.warning("changes_not_heard", detail=str(error), effect="live answers of this process may be late")
                self._ends.wait(LOOK_SECONDS)

    def _hear_all(self, heard: redis.client.PubSub) -> None:
        while not self._ends.is_set():
            message = heard.get_message(timeout=LOOK_SECONDS)
            if message is None:
                continue
            if message["type"] == "subscribe":
                # what was told before is not known
                self.listens.set()
                self._hear(Changed(None))
            elif message["type"] == "message":
                self._heard(json.loads(message["data"]))

    def _heard(self, notice: dict[str, object]) -> None:
        if notice["from"] == self._me or not isinstance(notice["tenants"], list):
            return
        if isinstance(notice["stamp"], str):
            stamp = datetime.fromisoformat(notice["stamp"])
            self._changes.reached(stamp)
            # whose events they are is known, which they are is not
            self._hear(Committed(stamp, pa.table({"tenant": pa.array(notice["tenants"], pa.string())})))
            return
        for tenant in notice["tenants"]:
            self._hear(Changed(tenant))
