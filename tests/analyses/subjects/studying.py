"""Studying: the worlds of the questions about learning, courses and materials."""

import json
from datetime import datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from tests.analyses.worlds import USERS, moments
from tests.stories import happened

TYPES = (
    "quiz_completion", "quiz_completion", "problem_attempt", "hint_request", "answer_view", "page_view", "content_view",
    "video_play", "video_play", "video_pause", "video_seek", "video_complete", "content_completion", "enrolment",
    "enrolment", "withdrawal", "unenrollment", "course_complete", "session_start",
)  # fmt: skip
MINUTE = timedelta(minutes=1)
SECONDS = (0, 0, 5, 10, 12.5, 20, 30, 95, 100, 90_000)

Told = st.SearchStrategy[dict[str, Any]]

seconds = st.sampled_from(SECONDS)
positions: Told = st.fixed_dictionaries(
    {}, optional={"position": seconds, "from": seconds, "to": seconds, "length": st.sampled_from((100, 60.5))}
) | st.sampled_from(
    ({}, {"current_time": 10}, {"old_time": 20, "new_time": 5}, {"currentTime": 30, "video_length": 50})
)
enrolling: Told = st.sampled_from(({}, {"track": "audit"}, {"mode": "verified"}))
answering: Told = st.sampled_from(({}, {"response": "A"}, {"response": "B"}, {"answer": 4}, {"response": ["A", "B"]}))
placing: Told = st.sampled_from(({}, {"section": "s1"}, {"section": "s2", "subsection": "s2.1"}))


@st.composite
def studies(draw: st.DrawFn, anchor: datetime, now: datetime, zone: str) -> dict[str, Any]:
    """One event of somebody who studies; often minutes, or nothing at all, from another one."""
    kind = draw(st.sampled_from(TYPES))
    moment = min(now, draw(moments(anchor, now, zone))) - draw(st.sampled_from((0, 0, 5, 29, 30, 31, 60))) * MINUTE
    attempt = kind in ("quiz_completion", "problem_attempt")
    told = draw(placing) | draw(answering if attempt else positions if kind.startswith("video") else enrolling)
    return happened(
        kind,
        draw(st.sampled_from(USERS)),
        moment,
        received=moment + draw(st.sampled_from((0, 60, 24 * 60, 24 * 60 + 1))) * MINUTE,
        source=draw(st.sampled_from(("", "campus"))),
        course=draw(st.sampled_from(("", "c1", "c1", "m1"))),
        content=draw(st.sampled_from(("", "q1", "q1", "q2", "v1"))),
        concept=draw(st.sampled_from(("", "k1", "k1", "q2"))),
        score=draw(st.sampled_from((None, 0.0, 39.5, 69.5, 70.0, 85.0, 100.0))) if attempt else None,
        duration=draw(st.sampled_from((None, None, 0.0, 30.0, 1800.0, 40_000.5))),
        properties=json.dumps(told, separators=(",", ":")),
    )


def story(user: str) -> list[dict[str, Any]]:
    """Something for every question to find."""

    def at(time: str, type: str, **more: Any) -> dict[str, Any]:
        return happened(type, user, f"2026-02-2{time}", **({"course": "c", "source": "campus"} | more))

    return [
        at("1T09:00", "enrolment", properties='{"track":"audit"}'),
        at("1T10:00", "quiz_completion", content="q1", concept="k", score=40.0, properties='{"response":"A"}'),
        at("1T10:10", "quiz_completion", content="q2", concept="k", score=80.0, duration=120.0),
        at("2T10:00", "content_view", content="p1", concept="k", duration=60.0, properties='{"section":"s"}'),
        at("2T10:05", "video_play", content="v1", concept="k", properties='{"position":0}'),
        at("2T10:06", "video_pause", content="v1", concept="k", properties='{"position":60,"length":100}'),
        at("3T10:00", "quiz_completion", content="q1", concept="k", score=90.0),
        happened("content_view", user, "2026-03-06T09:00", course="c", content="p1", source="campus"),
        happened("content_view", user, "2026-03-06T09:10", course="c", content="p1", source="campus"),
        happened("content_view", user, "2026-02-20T09:00", course="old", content="p1"),
        happened("content_view", user, "2026-03-03T08:00", course="c", content="p1", duration=600.0),
    ]
