"""Learning: mastery, items, the effect of contents, time on task."""

from hypothesis import strategies as st

from tests.analyses.subjects.learner import USER
from tests.analyses.subjects.studying import story, studies
from tests.analyses.subjects.subject import Strategies, Subject
from tests.analyses.worlds import DAYS, World

COURSE = {"course": st.sampled_from((None, None, "c1", "m1", "nowhere"))}
PERIOD = {**COURSE, "days": st.none() | DAYS}
PASSING = {"passing": st.sampled_from((39.5, 70.0, 70.5))}
_RULE = {"recent": st.sampled_from((1, 2, 5)), "enough": st.sampled_from((0.5, 0.7, 1.0))}


def _mastery(world: World) -> Strategies:
    model = {"initial": st.sampled_from((0.0, 0.3, 1.0)), "slip": st.sampled_from((0.0, 0.1))}
    return {**PERIOD, **PASSING, **_RULE, **model, "user": USER}


def _concepts(world: World) -> Strategies:
    return {**PERIOD, **PASSING, **_RULE, "least": st.sampled_from((2, 30))}


def _items(world: World) -> Strategies:
    return {**PERIOD, **PASSING, "least": st.sampled_from((2, 3, 30))}


def _effect(world: World) -> Strategies:
    return {**PERIOD, "least": st.sampled_from((2, 3, 30))}


def _time(world: World) -> Strategies:
    by = st.sampled_from(("course", "content", "concept", "day"))
    minutes = {"idle_minutes": st.sampled_from((5, 30)), "longest_minutes": st.sampled_from((1, 240))}
    return {**COURSE, **minutes, "by": by, "days": DAYS}


def _learner_time(world: World) -> Strategies:
    return {**_time(world), "user": USER}


SUBJECT = Subject(
    parameters={
        "mastery": _mastery,
        "concept_mastery": _concepts,
        "item_analysis": _items,
        "content_effectiveness": _effect,
        "time_on_task": _time,
        "learner_time": _learner_time,
    },
    happens=studies,
    needed={"mastery": {"user": "ada"}, "learner_time": {"user": "ada"}},
    story=story,
)
