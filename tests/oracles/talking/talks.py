"""Talks: conversations put together by brute force, as docs/guides/conversations.md defines them."""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby, pairwise
from typing import Any

from rollbook.analyses.question import When
from tests.oracles.ground import DAY, Events, Rows, day_of, ever

SENT = ("conversation.message.sent", "ai_message_sent")
RECEIVED = ("conversation.message.received", "ai_message_received")
COACH = ("ai_message_sent", "ai_message_received", "ai_feedback_rated")
ENDS = {
    "conversation.abandoned": "abandoned",
    "conversation.escalated": "escalated",
    "conversation.completed": "completed",
}
# what comes first in the same millisecond
RANKS = ("started", "user", "bot", "other", "abandoned", "escalated", "completed")
Spoken = tuple[str, dict[str, Any]]


def role_of(event: dict[str, Any]) -> str:
    """What an event is to its conversation: one of RANKS."""
    kind, told = event["type"].lower(), json.loads(event.get("properties") or "{}")
    if kind == "conversation.started":
        return "started"
    if kind in ENDS:
        return ENDS[kind]
    if kind not in SENT + RECEIVED:
        return "other"
    role = str(told.get("role")).lower()
    if role in ("user", "learner", "student", "human"):
        return "user"
    if role in ("assistant", "bot", "ai", "tutor", "agent"):
        return "bot"
    return "user" if kind in SENT else "bot"


def talk_of(event: dict[str, Any], when: When) -> str:
    """The conversation that an event belongs to; "": to none."""
    if event.get("conversation"):
        return str(event["conversation"])
    if event["type"].lower() not in COACH:
        return ""
    if event.get("session"):
        return str(event["session"])
    return f"{event['user']}@{day_of(event, when)}" if event["user"] else ""


def stars_of(event: dict[str, Any]) -> float | None:
    """How much it was liked, 0 to 1."""
    told = json.loads(event.get("properties") or "{}")
    score, rating, helpful = (told.get(name) for name in ("satisfaction_score", "rating", "helpful"))
    if score is not None and 0 <= score <= 1:
        return float(score)
    if rating in (True, "up") and rating is not None and not _is_number(rating):
        return 1.0
    if rating is False:
        return 0.0
    if rating is not None and 1 <= float(rating) <= 5:
        return (float(rating) - 1) / 4
    return None if helpful is None else float(helpful)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


@dataclass
class Talk:
    """One conversation."""

    name: str
    events: Rows
    now: datetime
    timeout: timedelta

    def __post_init__(self) -> None:
        self.spoken: list[Spoken] = sorted(
            ((role_of(event), event) for event in self.events),
            key=lambda one: (one[1]["timestamp"], RANKS.index(one[0])),
        )
        own = [one for one in self.spoken if one[0] != "other"]
        self.began: datetime = min(event["timestamp"] for _, event in own)
        self.users = sorted({event["user"] for _, event in self.spoken} - {""})
        self.turns = [one for one in own if one[0] in ("user", "bot")]
        ends = [one for one in own if one[0] in ENDS.values()]
        alive = [event["timestamp"] for role, event in own if role in ("started", "user", "bot")]
        self.ended: datetime | None = None
        if ends:
            self.status, self.ended = ends[-1][0], ends[-1][1]["timestamp"]
        elif max(alive) + self.timeout > self.now:
            self.status = "active"
        else:
            has_ends = any(event["type"].lower().startswith("conversation.") for _, event in self.spoken)
            self.status, self.ended = "abandoned" if has_ends else "ended", max(alive)

    @property
    def seconds(self) -> int | None:
        """From begin to end."""
        return None if self.ended is None else (self.ended - self.began) // timedelta(seconds=1)

    @property
    def waits(self) -> list[int]:
        """Milliseconds from a user's message to the bot's that comes right after it."""
        return [
            (bot["timestamp"] - user["timestamp"]) // timedelta(milliseconds=1)
            for (a, user), (b, bot) in pairwise(self.turns)
            if (a, b) == ("user", "bot")
        ]

    @property
    def intents(self) -> list[str]:
        """In order, of a row of the same each once."""
        return _compact(self._in_order(self.spoken, lambda event: told(event).get("intent")))

    @property
    def subjects(self) -> list[str]:
        """What the user's messages are about."""
        asked = [one for one in self.turns if one[0] == "user"]
        return _compact(self._in_order(asked, lambda event: event.get("concept") or told(event).get("intent")))

    @property
    def liked(self) -> float | None:
        """The mean of the ratings."""
        return _mean([stars for _, event in self.spoken if (stars := stars_of(event)) is not None])

    @property
    def felt(self) -> list[float]:
        """The sentiments of the user's messages."""
        asked = [one for one in self.turns if one[0] == "user"]
        felt = self._in_order(asked, lambda event: told(event).get("sentiment"), number=True)
        return [one for one in felt if -1 <= one <= 1]

    @property
    def errors(self) -> int:
        """Events that failed."""
        return sum(
            event["type"].lower().endswith("error")
            or told(event).get("success") is False
            or told(event).get("error") not in (None, "", False, 0, [], {})
            for _, event in self.spoken
        )

    @property
    def cost(self) -> float:
        """In cents."""
        costs = [told(event).get("cost_cents") or 0 for _, event in self.spoken]
        return float(sum(cost for cost in costs if abs(cost) < 1e12))

    def first(self, name: str) -> str:
        """The first value of a column or property that is not empty."""
        values = self._in_order(
            self.spoken, lambda event: event.get(name) or told(event).get(name) or _known(event, name)
        )
        return next(iter(values), "")

    def _in_order(
        self, spoken: list[Spoken], value: Callable[[dict[str, Any]], Any], number: bool = False
    ) -> list[Any]:
        """What they say, without what says nothing; in the same millisecond and rank by what it is."""
        said = [(event["timestamp"], RANKS.index(role), value(event)) for role, event in spoken]
        kept = [(*when, one if number else str(one)) for *when, one in said if (one is not None if number else one)]
        return [one for *_, one in sorted(kept)]


def told(event: dict[str, Any]) -> dict[str, Any]:
    """The properties."""
    found: dict[str, Any] = json.loads(event.get("properties") or "{}")
    return found


def _mean(values: list[float]) -> float | None:
    return sum(values) / len(values) if values else None


def mean(values: list[Any]) -> Any:
    """None of nothing."""
    return sum(values) / len(values) if values else None


def _compact(values: list[Any]) -> list[str]:
    return [value for value, _ in groupby(values)]


def talks(question: Any, events: Events, when: When) -> list[Talk]:
    """The conversations that began in the period."""
    begin = when.now - question.days * DAY
    groups: dict[str, Rows] = defaultdict(list)
    for event in ever(events, when):
        # a day before the period is looked at, so that a conversation is known that began there
        if event["timestamp"] > begin - DAY and (name := talk_of(event, when)):
            groups[name].append(event)
    timeout = timedelta(minutes=question.timeout_minutes)
    found = [
        Talk(name, group, when.now, timeout)
        for name, group in groups.items()
        if any(role_of(event) != "other" for event in group)
    ]
    return [talk for talk in found if talk.began > begin]


Talks = list[Talk]


def _known(event: dict[str, Any], name: str) -> Any:
    """What enrichment knows of the learner."""
    return told(event).get("context", {}).get("learner", {}).get("segment") if name == "user_segment" else None


def people(found: Iterable[Talk]) -> int:
    """How many distinct people took part."""
    return len({user for talk in found for user in talk.users})


def by(found: Talks, keys: Callable[[Talk], Iterable[Any]]) -> dict[Any, Talks]:
    """Talks by their keys; several keys of one talk each once."""
    groups: dict[Any, Talks] = defaultdict(list)
    for talk in found:
        for key in dict.fromkeys(keys(talk)):
            groups[key].append(talk)
    return groups
