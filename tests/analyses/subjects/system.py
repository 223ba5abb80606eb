"""System: the requests and errors of what sends the events."""

from hypothesis import strategies as st

from tests.analyses.subjects.study import studied
from tests.analyses.subjects.subject import Strategies, Subject
from tests.analyses.worlds import World


def _metrics(world: World) -> Strategies:
    return {
        "hours": st.sampled_from((1, 24, 48, 700)),
        "by": st.sampled_from(("all", "hour")),
        "top": st.sampled_from((1, 10)),
    }


SUBJECT = Subject(parameters={"system_metrics": _metrics}, happens=studied)
