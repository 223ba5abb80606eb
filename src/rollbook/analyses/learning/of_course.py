"""Questions of one course or of all, over a period or over everything; and the types of events that they know."""

import dataclasses
from typing import Annotated, Any, Generic

from pydantic import Field

from rollbook.analyses.question import A, Days, Question, When
from rollbook.store import Scope
from rollbook.store.intake.derived import ATTEMPTS, ENROLMENTS, VIDEOS, WITHDRAWALS

# what the questions of learning, courses and materials know by type; any other type counts as activity only
TYPES: dict[str, tuple[str, ...]] = {
    "attempts": ATTEMPTS,
    "hints": ("hint_request", "hint_view"),
    "solutions": ("answer_view", "solution_view"),
    "pages": ("page_view", "content_view", "content_start", "material_view"),
    "videos": VIDEOS,
    "completions": ("content_completion", "completion", "material_complete", "video_complete"),
    "enrolments": ENROLMENTS,
    "withdrawals": WITHDRAWALS,
    "course_completions": ("course_complete",),
}
# what is done to learners, and not by them
ADMINISTRATIVE = (*ENROLMENTS, *WITHDRAWALS)
BOUND = TYPES | {
    "uses": (*TYPES["pages"], *TYPES["videos"], *TYPES["completions"]),
    "administrative": ADMINISTRATIVE,
}

CourseId = Annotated[str, Field(max_length=1024)]
Passing = Annotated[float, Field(ge=0, le=100)]


class OfCourse(Question[A], Generic[A]):
    """A question of one course, or of all."""

    course: CourseId | None = Field(
        None, description="Only what was done in this course, as if there were nothing else; default: in all."
    )

    def scope(self, when: When) -> Scope:
        """Everything up to now, in the course."""
        return self.in_course(when.ever())

    def in_course(self, scope: Scope) -> Scope:
        """The scope, cut to the course."""
        return scope if self.course is None else dataclasses.replace(scope, courses=(self.course,))

    def bound(self, when: When) -> dict[str, Any]:
        """The types of events besides."""
        return super().bound(when) | {name: list(types) for name, types in BOUND.items()}


class OfPeriod(OfCourse[A], Generic[A]):
    """A question of a course, over a period or everything."""

    days: Days | None = Field(None, description="The last N x 24 hours; default: everything ever.")

    def scope(self, when: When) -> Scope:
        """The period, in the course."""
        return self.in_course(when.ever() if self.days is None else when.last(self.days))
