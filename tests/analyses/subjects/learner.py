"""Learners: the metrics of document 1, one by one."""

from hypothesis import strategies as st

from tests.analyses.subjects.subject import Strategies, Subject
from tests.analyses.worlds import World

USER = st.sampled_from(("ada", "bob", "zoë\t'\\x", "nobody"))
WINDOW = st.sampled_from((1, 7, "7d", "2w", 30))


def _metrics(world: World) -> Strategies:
    return {"user": USER, "window": WINDOW, "days": WINDOW}


def _everyone(world: World) -> Strategies:
    return {"window": WINDOW, "days": WINDOW}


def _window(world: World) -> Strategies:
    return {"user": USER, "window": WINDOW}


def _days(world: World) -> Strategies:
    return {"user": USER, "days": WINDOW}


def _risk(world: World) -> Strategies:
    return {"user": USER}


def _timeline(world: World) -> Strategies:
    return {"user": USER, "limit": st.sampled_from((1, 3, 100))}


_ADA = {"user": "ada"}

SUBJECT = Subject(
    parameters={
        "learner_metrics": _metrics,
        "learners": _everyone,
        "engagement": _window,
        "intervention": _window,
        "dropout_risk": _risk,
        "learning_velocity": _days,
        "timeline": _timeline,
    },
    needed=dict.fromkeys(
        ("learner_metrics", "engagement", "intervention", "dropout_risk", "learning_velocity", "timeline"), _ADA
    ),
)
