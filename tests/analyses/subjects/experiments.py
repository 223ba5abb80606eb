"""Experiments: exposures, and what people do then."""

import json
from datetime import datetime
from typing import Any

from hypothesis import strategies as st

from tests.analyses.subjects.subject import Strategies, Subject
from tests.analyses.worlds import DAYS, USERS, World, moments
from tests.stories import happened


@st.composite
def some_step(draw: st.DrawFn, anchor: datetime, now: datetime, zone: str) -> dict[str, Any]:
    """An exposure, a goal, or something that must not get worse."""
    type = draw(
        st.sampled_from(("experiment_assigned", "experiment_exposed", "completion", "completion", "api_error", "note"))
    )
    said: dict[str, Any] = {}
    if type.startswith("experiment"):
        said = {"experiment": draw(st.sampled_from(("hints", "hints", "hints", "other")))}
        said |= draw(st.sampled_from(({"variant": "control"}, {"variant": "hints"}, {"variant": "hints"}, {})))
    elif type == "completion":
        said = draw(st.sampled_from(({}, {"stars": 3}, {"stars": 5})))
    return happened(
        type,
        draw(st.sampled_from(USERS)),
        draw(moments(anchor, now, zone)),
        course=draw(st.sampled_from(("", "c1", "c2"))),
        score=draw(st.sampled_from((None, 0.0, 62.5))),
        properties=json.dumps(said),
    )


def _experiment(world: World) -> Strategies:
    return {
        "experiment": st.just("hints"),
        "goal": st.just("completion"),
        "value": st.sampled_from(("", "", "score", "stars")),
        "per": st.sampled_from(("mean", "sum")),
        "unit": st.sampled_from(("user", "course")),
        "control": st.none() | st.just("hints"),
        "must_not_rise": st.sampled_from(((), ("api_error",))),
        "must_not_fall": st.sampled_from(((), ("note",))),
        "days": DAYS,
        "within_days": st.sampled_from((0, 1, 8)),
    }


def _story(user: str) -> list[dict[str, Any]]:
    said = json.dumps({"experiment": "hints", "variant": "control"})
    return [
        happened("experiment_assigned", user, "2026-03-02T10:00", properties=said),
        happened("completion", user, "2026-03-03T10:00"),
    ]


SUBJECT = Subject(
    parameters={"experiment": _experiment},
    happens=some_step,
    needed={"experiment": {"experiment": "hints", "goal": "completion"}},
    story=_story,
)
