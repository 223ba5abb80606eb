"""Study: document 2's events, and the questions about sessions, materials and days."""

import json
from datetime import datetime
from typing import Any

from hypothesis import strategies as st

from rollbook.event import EventType
from tests.analyses.subjects.subject import Strategies, Subject
from tests.analyses.worlds import USERS, World, moments
from tests.stories import happened

USER = st.sampled_from(("ada", "bob", "zoë\t'\\x", "nobody", ""))
DAYS = st.sampled_from((1, 2, 7, 31, 60))
LIMIT = st.sampled_from((1, 3, 1000))

# what document 2 sends along, as it should be and as it should not
PROPERTIES: dict[str, dict[str, tuple[Any, ...]]] = {
    "xp_earned": {"xp_amount": (10, 90, 100, 2.5, -5, "20", "x", None, 1e12, [1])},
    "achievement_earned": {"achievement_id": ("first", "second", "", None)},
    "streak_update": {"streak_days": (0, 1, 5, 30, "3", 2.7, -1, 1e9, None, "x")},
    "ai_message_received": {"latency_ms": (100, 250.5, "90", -1, None)},
    "ai_feedback_rated": {"rating": (1, 5, "4", None, "good")},
    "api_request": {
        "latency_ms": (1, 5, 20, 20.5, 400, "7", -1, None),
        "endpoint": ("/a", "/b", "", None),
        "path": ("/c", None),
        "method": ("get", "POST", None),
        "status_code": (200, 404, 500, 503, None),
    },
    "api_error": {
        "error_type": ("timeout", "", None),
        "status_code": (500, 418, None),
        "endpoint": ("/a", None),
        "method": ("get", None),
    },
}
TYPES = (*(one.value for one in EventType), "session_start", "session_end", "xp_earned", "content_view", "page_view")


@st.composite
def studied(draw: st.DrawFn, anchor: datetime, now: datetime, zone: str) -> dict[str, Any]:
    """Any event of document 2."""
    kind = draw(st.sampled_from(TYPES))
    told = {name: draw(st.sampled_from(values)) for name, values in PROPERTIES.get(kind, {}).items()}
    return happened(
        kind,
        draw(st.sampled_from(USERS)),
        draw(moments(anchor, now, zone)),
        session=draw(st.sampled_from(("", "", "s1", "s2"))),
        content=draw(st.sampled_from(("", "m1", "m2"))),
        course=draw(st.sampled_from(("", "c1"))),
        duration=draw(st.sampled_from((None, None, 0.0, 90.0, -1.0, 100_000.0))),
        properties=json.dumps({name: value for name, value in told.items() if value is not None}),
    )


def story(user: str) -> list[dict[str, Any]]:
    """A little of everything of document 2, on three days."""
    return [
        happened(kind, user, f"2026-03-0{day}T09:{minute:02}", content="m1", properties=json.dumps(told))
        for day in (4, 5, 6)
        for minute, (kind, told) in enumerate(
            {
                "session_start": {},
                "material_view": {},
                "xp_earned": {"xp_amount": 60},
                "achievement_earned": {"achievement_id": f"day {day}"},
                "streak_update": {"streak_days": day},
                "ai_message_sent": {},
                "ai_message_received": {"latency_ms": 300},
                "ai_feedback_rated": {"rating": 5},
                "api_request": {"latency_ms": 20, "endpoint": "/a", "status_code": 200},
                "api_error": {"error_type": "timeout"},
                "session_end": {},
            }.items()
        )
    ]


def _person(world: World) -> Strategies:
    return {"user": USER, "days": DAYS}


def _table(world: World) -> Strategies:
    return {"days": DAYS, "limit": LIMIT}


def _whole_table(world: World) -> Strategies:
    return {"days": DAYS, "limit": st.just(1000)}


def _events(world: World) -> Strategies:
    return {"days": DAYS, "limit": LIMIT, "type": st.sampled_from(("", "xp_earned"))}


def _days(world: World) -> Strategies:
    return {"days": DAYS}


SUBJECT = Subject(
    parameters={
        "learning_overview": _person,
        "learning_heatmap": _person,
        "learning_sessions": _whole_table,
        "daily_activity_summary": _table,
        "hourly_analytics_summary": _days,
        "analytics_events": _events,
        "ai_coach_metrics": _whole_table,
    },
    happens=studied,
    needed={"learning_overview": {"user": "ada"}, "learning_heatmap": {"user": "ada"}},
    story=story,
    of_nobody=frozenset({"current_level"}),
)
