"""Talking: conversations told in a few words."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.stories import happened

near: Any = pytest.approx
MORNING = datetime(2026, 3, 2, 10, tzinfo=UTC)
SHORT = {
    "started": "conversation.started",
    "user": "conversation.message.sent",
    "bot": "conversation.message.received",
    "completed": "conversation.completed",
    "abandoned": "conversation.abandoned",
    "escalated": "conversation.escalated",
}


def talk(name: str, *steps: tuple[Any, ...], user: str = "ada", at: datetime = MORNING, **columns: Any) -> list[Any]:
    """A conversation: each step is what happened (see SHORT), the seconds since `at`, and what it tells."""
    return [
        happened(
            SHORT.get(kind, kind),
            more[0].pop("user", user) if more else user,
            at + timedelta(seconds=seconds),
            conversation=name,
            properties=json.dumps(more[0] if more else {}),
            **columns,
        )
        for kind, seconds, *more in ((kind, seconds, *map(dict, more)) for kind, seconds, *more in steps)
    ]


def brief(name: str, intent: str = "", end: str = "completed", seconds: int = 60, **more: Any) -> list[Any]:
    """A conversation of one message with an intent, and an end after so many seconds."""
    rated = {"satisfaction_score": more.pop("liked")} if "liked" in more else {}
    return talk(name, ("user", 0, {"intent": intent}), (end, seconds, rated), **more)
