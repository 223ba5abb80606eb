"""Returning: do people come back?"""

from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from tests.analyses.subjects.subject import Strategies, Subject
from tests.analyses.worlds import DAYS, USERS, World


def _days(world: World) -> Strategies:
    return {"days": DAYS}


def _retention(world: World) -> Strategies:
    return {"period": DAYS, "users": st.none() | st.lists(st.sampled_from((*USERS, "nobody")), max_size=4)}


def _periods(world: World) -> Strategies:
    return {"periods": st.lists(st.integers(1, 9) | DAYS, min_size=1, max_size=4)}


def _cohort(world: World) -> Strategies:
    first_days = [event["timestamp"].astimezone(ZoneInfo(world.zone)).date() for event in world.events]
    return {
        "cohort_date": st.sampled_from(first_days or [world.now.date()]),
        "periods": st.just((0, 1, 2, 7, 30)),
        "exact": st.booleans(),
    }


SUBJECT = Subject(
    parameters={
        "retention": _retention,
        "retention_periods": _periods,
        "retention_curve": _days,
        "cohorts": _days,
        "cohort_analysis": _cohort,
    },
    needed={"cohort_analysis": {"cohort_date": "2026-02-20"}},
)
