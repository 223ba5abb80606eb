"""Subjects: one file for each noun, and one list. Every question belongs to one of them."""

from typing import Any

from hypothesis import strategies as st

from tests.analyses.subjects import (
    activity,
    behaviour,
    benchmarks,
    conversations,
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
    topics,
)
from tests.analyses.subjects.subject import Subject
from tests.analyses.worlds import ZONES, World, worlds

SUBJECTS: tuple[Subject, ...] = (
    activity.SUBJECT,
    returning.SUBJECT,
    learner.SUBJECT,
    study.SUBJECT,
    gamification.SUBJECT,
    system.SUBJECT,
    costs.SUBJECT,
    benchmarks.SUBJECT,
    experiments.SUBJECT,
    quality.SUBJECT,
    metrics.SUBJECT,
    learning.SUBJECT,
    courses.SUBJECT,
    materials.SUBJECT,
    behaviour.SUBJECT,
    conversations.SUBJECT,
    topics.SUBJECT,
)

SUBJECT_OF: dict[str, Subject] = {name: subject for subject in SUBJECTS for name in subject.parameters}


def some_world(data: st.DataObject, name: str) -> tuple[World, dict[str, Any]]:
    """Any world in which a question of that name may be asked, and any parameters of it."""
    subject = SUBJECT_OF[name]
    world = data.draw(worlds(subject.happens))
    zone = st.none() | st.sampled_from(sorted(ZONES))
    return world, data.draw(st.fixed_dictionaries({"timezone": zone} | dict(subject.parameters[name](world))))
