"""Courses: who is in them, active, at risk, and with what grades; and what arrives."""

from hypothesis import strategies as st

from tests.analyses.subjects.learner import USER
from tests.analyses.subjects.learning import COURSE, PASSING, PERIOD
from tests.analyses.subjects.studying import story, studies
from tests.analyses.subjects.subject import Strategies, Subject
from tests.analyses.worlds import DAYS, World

_ABSENT: Strategies = {"absent_days": st.sampled_from((1, 7, 8))}
_LIMIT: Strategies = {"limit": st.sampled_from((1, 1000))}


def _comparison(world: World) -> Strategies:
    return {**COURSE, **_ABSENT, "days": DAYS}


def _at_risk(world: World) -> Strategies:
    return {**COURSE, **_ABSENT, **_LIMIT}


def _grades(world: World) -> Strategies:
    return {**PERIOD, "width": st.sampled_from((5, 10, 20, 25)), "content": st.sampled_from((None, "q1"))}


def _pass_rate(world: World) -> Strategies:
    return {**PERIOD, **PASSING}


def _days(world: World) -> Strategies:
    return {**COURSE, "days": DAYS}


def _tracks(world: World) -> Strategies:
    return COURSE


def _progress(world: World) -> Strategies:
    return {**COURSE, **PASSING, "user": USER}


def _contents(world: World) -> Strategies:
    return {**PERIOD, **_LIMIT, "user": USER}


def _arrivals(world: World) -> Strategies:
    return {"days": DAYS}


SUBJECT = Subject(
    parameters={
        "course_comparison": _comparison,
        "at_risk": _at_risk,
        "grade_distribution": _grades,
        "pass_rate": _pass_rate,
        "enrolments": _days,
        "enrolment_tracks": _tracks,
        "course_activity": _days,
        "learner_progress": _progress,
        "learner_contents": _contents,
        "arrivals": _arrivals,
    },
    happens=studies,
    needed={"learner_progress": {"user": "ada"}, "learner_contents": {"user": "ada"}},
    story=story,
)
