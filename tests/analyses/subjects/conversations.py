"""Conversations: dialogues with a bot, a tutor or a coach."""

import json
from datetime import datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from tests.analyses.subjects.subject import Strategies, Subject
from tests.analyses.worlds import USERS, World
from tests.stories import happened

KINDS = (
    *("conversation.started", "conversation.completed", "conversation.abandoned", "conversation.escalated"),
    *("conversation.message.sent", "conversation.message.received") * 3,
    *("ai_message_sent", "AI_MESSAGE_RECEIVED", "ai_feedback_rated", "model.usage", "api_error", "quiz_completion"),
)
# what a message may say of itself, junk too
TOLD: dict[str, tuple[Any, ...]] = {
    "intent": ("greet", "refund", "goodbye", "", None, 5),
    "role": ("assistant", "Student", "system", None),
    "rating": (1, 2, 5, 4.5, 0, 9, "4", True, False, "up", None),
    "satisfaction_score": (0, 0.8, 1, 1.5, None),
    "helpful": (True, False, None),
    "cost_cents": (0, 0.25, 3, 2e12, None),
    "user_segment": ("pro", "", None),
    "context": ({"learner": {"segment": "evening"}}, {"time": {"hour": 9}}),
    "sentiment": (-0.8, -0.05, 0.0, 0.3, 1, 7, None),
    "error": ("timeout", "", True, False, None, {}, {"code": 1}),
    "success": (True, False, None),
}
# around edges of the periods, of the day before them, and of the timeouts
BACK = (
    timedelta(), timedelta(minutes=1), timedelta(minutes=30), timedelta(minutes=31), timedelta(days=1),
    timedelta(hours=12), timedelta(days=1, hours=3), timedelta(days=3), timedelta(days=7), timedelta(days=8, hours=1),
    timedelta(days=15), timedelta(days=30), timedelta(days=31, hours=1),
)  # fmt: skip
NUDGES = (
    timedelta(),
    timedelta(milliseconds=1),
    timedelta(milliseconds=-1),
    timedelta(seconds=40),
    timedelta(minutes=9),
)


@st.composite
def talked(draw: st.DrawFn, anchor: datetime, now: datetime, zone: str) -> dict[str, Any]:
    """One event, mostly of a conversation."""
    names = draw(st.lists(st.sampled_from(sorted(TOLD)), max_size=3, unique=True))
    told = {name: draw(st.sampled_from(TOLD[name])) for name in names}
    return happened(
        draw(st.sampled_from(KINDS)),
        draw(st.sampled_from(USERS)),
        now - draw(st.sampled_from(BACK)) + draw(st.sampled_from(NUDGES)),
        conversation=draw(st.sampled_from(("k1", "k2", "k3", ""))),
        session=draw(st.sampled_from(("", "s1"))),
        course=draw(st.sampled_from(("", "c1", "m1"))),
        concept=draw(st.sampled_from(("", "k1", "algebra"))),
        channel=draw(st.sampled_from(("", "web", "app"))),
        score=draw(st.sampled_from((None, None, 30.0, 50.0, 90.0))),
        properties=json.dumps(told),
    )


DAYS = st.sampled_from((1, 2, 7, 14, 30))
TIMEOUT = st.sampled_from((1, 30, 1440))
FEW = st.sampled_from((1, 2, 1, 3, 100))
USER = st.none() | st.sampled_from(("ada", "bob", "nobody"))
MOST = st.sampled_from((1, 2, 100))


def _period(world: World) -> dict[str, Any]:
    return {"days": DAYS, "timeout_minutes": TIMEOUT}


def _pattern(world: World) -> dict[str, Any]:
    return _period(world) | {"min_conversations": FEW}


def _some(world: World) -> dict[str, Any]:
    return _pattern(world) | {"most": MOST}


def _one_by_one(world: World) -> dict[str, Any]:
    return _period(world) | {"user": USER, "most": MOST}


def _metrics(world: World) -> Strategies:
    return _one_by_one(world) | {"conversation": st.sampled_from(("", "", "k1"))}


def _flows(world: World) -> Strategies:
    return _some(world) | {"steps": st.sampled_from((1, 3)), "by": st.sampled_from(("common", "success"))}


def _correlations(world: World) -> Strategies:
    return _pattern(world) | {"least": st.sampled_from((2, 3))}


def _unresolved(world: World) -> Strategies:
    return _period(world) | {"again_days": st.sampled_from((1, 7)), "most": MOST}


def _help(world: World) -> Strategies:
    more = {"course": st.sampled_from(("", "c1")), "within_minutes": st.sampled_from((1, 30)), "most": MOST}
    return {"days": DAYS, "user": USER} | more


def story(user: str) -> list[dict[str, Any]]:
    """Three conversations: completed, given up, and with a coach."""

    def event(type: str, at: str, conversation: str, **told: Any) -> dict[str, Any]:
        more = {"conversation": f"{conversation}{user}" if conversation else "", "channel": "web", "concept": "algebra"}
        return happened(type, user, f"2026-03-03T{at}", properties=json.dumps(told), **more)

    return [
        event("conversation.started", "09:00", "a"),
        event("conversation.message.sent", "09:01", "a", intent="greet", sentiment=-0.5),
        event("conversation.message.received", "09:02", "a", cost_cents=0.5),
        event("conversation.completed", "09:05", "a", satisfaction_score=1),
        event("conversation.message.sent", "15:00", "b", intent="refund", sentiment=0.5),
        event("ai_message_sent", "16:00", ""),
        event("ai_feedback_rated", "16:01", "", rating=1),
    ]


SUBJECT = Subject(
    parameters={
        "conversation_metrics": _metrics,
        "user_behavior": _one_by_one,
        "conversation_patterns": _pattern,
        "conversation_outcomes": _period,
        "conversation_times": _pattern,
        "conversation_flows": _flows,
        "conversation_drop_off": _some,
        "conversation_intents": _some,
        "conversation_channels": _some,
        "conversation_correlations": _correlations,
        "conversation_sentiment": _one_by_one,
        "unresolved_questions": _unresolved,
        "help_seeking": _help,
    },
    happens=talked,
    needed=dict.fromkeys(
        *(
            ("conversation_patterns", "conversation_times", "conversation_flows", "conversation_drop_off",
             "conversation_intents", "conversation_channels"),
            {"min_conversations": 1},
        )
    )
    | {"conversation_correlations": {"min_conversations": 1, "least": 2}},
    story=story,
    # two conversations outside a category are none
    nothing_found=frozenset(("conversation_correlations",)),
)  # fmt: skip
