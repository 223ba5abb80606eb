"""Asked: with which parameters the bench asks each question."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from rollbook.analyses.learning.of_course import OfCourse
from rollbook.analyses.question import Question
from rollbook.bench.filling import learner, term_end
from rollbook.bench.plan import Plan

Parameters = dict[str, Any]

# a hundred learners in each
PARTS_OF_LEARNERS = 1_000
# of the made-up events, one that is played and attempted
A_CONTENT = "content-3-7"
A_COURSE = "course-03"
# what a question must be told besides whom it is about
TOLD: dict[str, Parameters] = {
    "event_days": {"metric_names": "active_users", "granularity": "day"},
    "event_series": {"metric_names": "events.quiz_completion"},
    "experiment": {"experiment": "layout", "goal": "quiz_completion"},
    "funnel": {"steps": "content_view,video_play,quiz_completion"},
    "learners": {"parts": PARTS_OF_LEARNERS},
    "metric_series": {"metric_names": "load"},
    "paths": {"event": "video_play"},
    "session_windows": {"size": 1800, "event_types": "forum_post"},
    "windows": {"size": 3600, "event_types": "quiz_completion"},
}


class Asking:
    """One way to ask a question: `parameters(n)` are those of the n-th time, another learner and moment each.

    `wide`: it is asked about all courses at once, though it can be asked about one.
    """

    def __init__(self, kind: type[Question[Any]], plan: Plan, more: Parameters, *, wide: bool = False) -> None:
        self._plan = plan
        self.wide = wide
        self._fixed = TOLD.get(kind.name(), {}) | more
        self._required = {name for name, one in kind.model_fields.items() if one.is_required()}
        if "cohort_date" in self._required:
            self._fixed = self._fixed | {"cohort_date": first_day(plan)}
        if "content" in self._required:
            self._fixed = self._fixed | {"content": A_CONTENT}

    @property
    def known(self) -> bool:
        """Whether the question is told all that it must be."""
        return self._required <= {"user", *self._fixed}

    def parameters(self, number: int) -> Parameters:
        """Of the n-th time."""
        user = {"user": someone(number, self._plan)} if "user" in self._required else {}
        return moment(number) | self._fixed | user


def ways(kind: type[Question[Any]], plan: Plan) -> Iterator[Asking]:
    """How a question is asked: a question of courses about one of them, and about all."""
    if issubclass(kind, OfCourse) and "user" not in kind.model_fields:
        yield Asking(kind, plan, {"course": A_COURSE})
        yield Asking(kind, plan, {}, wide=True)
    else:
        yield Asking(kind, plan, {})


def moment(number: int) -> Parameters:
    """As of the end of the term, a millisecond earlier each time: else the last answer, which is kept, is told."""
    return {"as_of": (term_end() - timedelta(milliseconds=number)).isoformat()}


def someone(number: int, plan: Plan) -> str:
    """Another learner each time."""
    return learner(number * 7919 % plan.learners)


def first_day(plan: Plan) -> str:
    """Of the term."""
    return (term_end() - timedelta(days=plan.days)).date().isoformat()
