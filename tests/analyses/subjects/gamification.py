"""Gamification: XP, levels, achievements, streaks."""

from tests.analyses.subjects.study import DAYS, LIMIT, USER, studied
from tests.analyses.subjects.subject import Strategies, Subject
from tests.analyses.worlds import World


def _progress(world: World) -> Strategies:
    return {"user": USER, "days": DAYS}


def _stats(world: World) -> Strategies:
    return {"limit": LIMIT}


SUBJECT = Subject(
    parameters={"gamification_progress": _progress, "gamification_stats": _stats},
    happens=studied,
    needed={"gamification_progress": {"user": "ada"}},
    of_nobody=frozenset({"current_level", "next_level_xp", "xp_to_next_level"}),
)
