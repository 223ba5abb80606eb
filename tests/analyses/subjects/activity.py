"""Activity: how much happened, and when."""

from hypothesis import strategies as st

from tests.analyses.subjects.subject import Strategies, Subject
from tests.analyses.worlds import DAYS, World


def _days(world: World) -> Strategies:
    return {"days": DAYS}


def _totals(world: World) -> Strategies:
    return {"days": st.none() | DAYS}


def _anomalies(world: World) -> Strategies:
    metric = st.sampled_from(("events", "active_users", "page_view"))
    return {"metric": metric, "window": st.sampled_from(("2d", "30d", "5h"))}


SUBJECT = Subject(
    parameters={
        "totals": _totals,
        "active_users": _days,
        "events_by_day": _days,
        "event_distribution": _days,
        "activity_heatmap": _days,
        "anomalies": _anomalies,
    },
    nothing_found=frozenset({"anomalies"}),
)
