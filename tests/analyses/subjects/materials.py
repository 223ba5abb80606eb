"""Materials: pages, sections, problems, videos."""

from hypothesis import strategies as st

from tests.analyses.subjects.learner import USER
from tests.analyses.subjects.learning import PASSING, PERIOD
from tests.analyses.subjects.studying import story, studies
from tests.analyses.subjects.subject import Strategies, Subject
from tests.analyses.worlds import World

_LIMIT: Strategies = {"limit": st.sampled_from((1, 1000))}


def _pages(world: World) -> Strategies:
    return {**PERIOD, **_LIMIT}


def _sections(world: World) -> Strategies:
    kind = st.sampled_from(("pages", "videos", "problems"))
    return {**PERIOD, "what": kind, "by": st.sampled_from(("concept", "section", "subsection"))}


def _problems(world: World) -> Strategies:
    return {**PERIOD, **PASSING, **_LIMIT}


def _responses(world: World) -> Strategies:
    return {**PERIOD, **_LIMIT, "content": st.sampled_from(("q1", "q2")), "which": st.sampled_from(("first", "last"))}


def _videos(world: World) -> Strategies:
    return {**PERIOD, **_LIMIT, "full": st.sampled_from((0.1, 0.9))}


def _heatmap(world: World) -> Strategies:
    return {**PERIOD, "content": st.sampled_from(("q1", "v1")), "part_seconds": st.sampled_from((1, 10, 60))}


def _learner_videos(world: World) -> Strategies:
    return {**_videos(world), "user": USER}


def _learner_parts(world: World) -> Strategies:
    return {**_heatmap(world), "user": USER}


SUBJECT = Subject(
    parameters={
        "page_engagement": _pages,
        "section_engagement": _sections,
        "problem_engagement": _problems,
        "responses": _responses,
        "video_engagement": _videos,
        "video_heatmap": _heatmap,
        "learner_videos": _learner_videos,
        "learner_video_parts": _learner_parts,
    },
    happens=studies,
    needed={
        "responses": {"content": "q1"},
        "video_heatmap": {"content": "v1"},
        "learner_videos": {"user": "ada"},
        "learner_video_parts": {"user": "ada", "content": "v1"},
    },
    story=story,
)
