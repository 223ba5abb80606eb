"""Behaviour: few types, close together, many in the same millisecond, so that attempts and sessions tangle."""

from datetime import datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from tests.analyses.subjects.subject import Strategies, Subject
from tests.analyses.worlds import DAYS, MILLISECOND, World, moments
from tests.stories import happened

USERS = ("ada", "ada", "bob", "")
TYPES = ("a", "a", "b", "b", "c", "x", "course_complete")
MINUTE = timedelta(minutes=1)


@st.composite
def _event(draw: st.DrawFn, anchor: datetime, now: datetime, zone: str) -> dict[str, Any]:
    """One event: mostly within hours of now, at the edge of a pause or a window; sometimes anywhere."""
    near = now - draw(st.sampled_from((0, 1, 2, 24, 72))) * timedelta(hours=1)
    near -= draw(st.integers(0, 4)) * 30 * MINUTE
    near += draw(st.sampled_from((timedelta(), timedelta(), MILLISECOND, -MILLISECOND)))
    return happened(
        draw(st.sampled_from(TYPES)),
        draw(st.sampled_from(USERS)),
        draw(st.just(near) | st.just(near) | moments(anchor, now, zone)),
        course=draw(st.sampled_from(("", "c1", "c2"))),
        channel=draw(st.sampled_from(("web", "app"))),
        source=draw(st.sampled_from(("s1", "s2"))),
    )


def _funnel(world: World) -> Strategies:
    # in any order each step is another type, so the worlds are divided between the orders
    tangled = len(world.events) % 3 > 0
    steps = ("a,b", "a,b,c", "b,a,c", "c,a,b") + (("a,a,b", "a,b,a", "a,b,b,a") if tangled else ())
    return {
        "steps": st.sampled_from(steps),
        "order": st.sampled_from(("ordered", "strict") if tangled else ("any",)),
        "window": st.sampled_from(("1s", "30m", "90m", "24h", "3d", "30d")),
        "exclude": st.sampled_from(((), ("x",), ("x", "course_complete"))),
        "days": DAYS,
        "breakdown": st.sampled_from((None, None, "course", "channel", "source")),
    }


def _paths(world: World) -> Strategies:
    return {
        "event": st.sampled_from(("a", "c", "never")),
        "direction": st.sampled_from(("after", "before")),
        "depth": st.integers(1, 4),
        "most": st.integers(1, 3),
        "window": st.sampled_from(("30m", "1h", "3d")),
        "repeats": st.booleans(),
        "days": DAYS,
    }


def _lifecycle(world: World) -> Strategies:
    return {"unit": st.sampled_from(("day", "week", "month")), "periods": st.integers(1, 5)}


def _stickiness(world: World) -> Strategies:
    return {"unit": st.sampled_from(("week", "month")), "periods": st.integers(1, 4)}


def _sessions(world: World) -> Strategies:
    return {"days": st.sampled_from((1, 2, 8)), "gap_minutes": st.sampled_from((1, 30, 60, 1440))}


def _survival(world: World) -> Strategies:
    return {"days": DAYS, "inactive_days": st.sampled_from((1, 2, 7)), "confidence": st.sampled_from((0.5, 0.95))}


def _story(user: str) -> list[dict[str, Any]]:
    """Two steps, so that funnels and paths have something to tell."""
    return [happened("a", user, "2026-03-04T09:00", channel="web"), happened("b", user, "2026-03-04T09:10")]


SUBJECT = Subject(
    parameters={
        "funnel": _funnel,
        "paths": _paths,
        "lifecycle": _lifecycle,
        "stickiness": _stickiness,
        "sessions": _sessions,
        "survival": _survival,
    },
    happens=_event,
    needed={"funnel": {"steps": "a,b"}, "paths": {"event": "a"}},
    story=_story,
    of_nobody=frozenset({"step", "days_so_far"}),
)
