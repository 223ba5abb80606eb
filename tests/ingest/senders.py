"""Senders: clients that post batches from threads, know what was acknowledged, and send the rest again."""

import http.client
import json
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

TYPES = ("session_start", "content_view", "quiz_completion", "content_completion")


@dataclass
class Senders:
    """`threads` clients with batches of `batch` events each; a batch is sent again, unchanged, until acknowledged."""

    threads: int = 3
    batch: int = 200
    acknowledged: set[str] = field(default_factory=set)
    sent: set[str] = field(default_factory=set)
    unacknowledged: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    statuses: dict[int, int] = field(default_factory=dict)
    answers: dict[int, Any] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def settle(self, address: str) -> threading.Event:
        """Send again what was never acknowledged, and nothing else; set when all of it is."""
        return self.run(address, None)

    def run(self, address: str, enough: Callable[["Senders"], bool] | None) -> threading.Event:
        """Send until `enough` says so or the server is gone; returns what is set when all have stopped."""
        finished = threading.Event()
        workers = [
            threading.Thread(target=self._work, args=(n, address, enough), daemon=True) for n in range(self.threads)
        ]

        def wait() -> None:
            for worker in workers:
                worker.start()
            for worker in workers:
                worker.join()
            finished.set()

        threading.Thread(target=wait, daemon=True).start()
        return finished

    def _work(self, number: int, address: str, enough: Callable[["Senders"], bool] | None) -> None:
        connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=60)
        while number in self.unacknowledged if enough is None else not enough(self):
            events = self.unacknowledged.get(number) or made_up(self.batch)
            with self._lock:
                self.unacknowledged[number] = events
                self.sent.update(event["event_id"] for event in events)
            try:
                connection.request("POST", "/events", json.dumps(events), {"content-type": "application/json"})
                response = connection.getresponse()
                body = response.read()
            except TimeoutError:
                # a slow machine: the server is there, and the batch is sent again
                connection.close()
                continue
            except (OSError, http.client.HTTPException):
                return
            self._note(number, events, response.status, body)

    def _note(self, number: int, events: list[dict[str, Any]], status: int, body: bytes) -> None:
        with self._lock:
            self.statuses[status] = self.statuses.get(status, 0) + 1
            self.answers[status] = json.loads(body)
            if status == 200:
                self.acknowledged.update(event["event_id"] for event in events)
                del self.unacknowledged[number]


def made_up(count: int) -> list[dict[str, Any]]:
    """Events of the last forty days, some of them in other months."""
    now = datetime.now(UTC)
    return [
        {
            "event_id": str(uuid.uuid4()),
            "event_type": TYPES[n % len(TYPES)],
            "user_id": f"learner-{n % 37}",
            "timestamp": (now - timedelta(hours=(n * 7) % 960)).isoformat(),
            "metadata": {"course_id": f"course-{n % 3}", "score": n % 101, "duration": 60},
        }
        for n in range(count)
    ]
