"""Bodies of requests: written once with a mark where each event's id begins, so that any number can be made of them."""

import json
import random
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

# eight characters, as an id's first eight; each request puts its own number there
MARK = "@@@@@@@@"
TYPES = ("session_start", "content_view", "quiz_completion", "content_completion")
USERS = 100_000
DAY_SECONDS = 86_400
MOST_EVENTS = 64_000
MOST_BODIES = 4_000


def write(path: Path, batch: int) -> Path:
    """A file of bodies of `batch` events each, one on a line. A batch of 1 is a single object."""
    chance = random.Random(batch)
    now = datetime.now(UTC)
    count = max(8, min(MOST_BODIES, MOST_EVENTS // batch))
    with path.open("w") as lines:
        for _ in range(count):
            events = [_event(chance, now) for _ in range(batch)]
            lines.write(json.dumps(events[0] if batch == 1 else events) + "\n")
    return path


def _event(chance: random.Random, now: datetime) -> dict[str, object]:
    """One event of the last 24 hours, as document 1 writes it; about 230 bytes."""
    at = now - timedelta(seconds=chance.randrange(DAY_SECONDS))
    rest = str(uuid.UUID(int=chance.getrandbits(128), version=4))[len(MARK) :]
    return {
        "event_type": chance.choice(TYPES),
        "user_id": f"user_{chance.randrange(USERS)}",
        "timestamp": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "event_id": MARK + rest,
        "metadata": {"concept_id": "algebra_basics", "score": chance.randrange(100), "duration": 300, "page": "/a/b"},
    }
