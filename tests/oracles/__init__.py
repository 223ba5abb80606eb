"""Oracles: every question answered a second time, by brute force over a list of events, straight from its definition.

An oracle takes the question, all events of one tenant (as dicts, see stories.py) and the moment and zone it is asked
for; it gives the rows as plain values. It bears the question's name. Nothing here is fast, and nothing is shared with
the package but the forms. One file for each noun, and one list.
"""

from tests.oracles import (
    activity,
    behaviour,
    benchmarks,
    costs,
    courses,
    experiments,
    gamification,
    learner,
    learning,
    materials,
    metrics,
    quality,
    returning,
    study,
    system,
)
from tests.oracles.ground import Oracle
from tests.oracles.talking import conversations, helping

ORACLES: dict[str, Oracle] = {
    oracle.__name__: oracle
    for oracle in (
        *activity.ORACLES,
        *returning.ORACLES,
        *learner.ORACLES,
        *study.ORACLES,
        *gamification.ORACLES,
        *system.ORACLES,
        *costs.ORACLES,
        *benchmarks.ORACLES,
        *experiments.ORACLES,
        *quality.ORACLES,
        *metrics.ORACLES,
        *learning.ORACLES,
        *courses.ORACLES,
        *materials.ORACLES,
        *behaviour.ORACLES,
        *conversations.ORACLES,
        *helping.ORACLES,
    )
}
