"""Benchmarks: a period against those before it."""

from hypothesis import strategies as st

from tests.analyses.subjects.subject import Strategies, Subject
from tests.analyses.worlds import World


def _periods(world: World) -> Strategies:
    return {"days": st.sampled_from((1, 2, 7, 28)), "periods": st.sampled_from((1, 2, 7))}


SUBJECT = Subject(parameters={"period_figures": _periods}, of_nobody=frozenset({"back"}))
