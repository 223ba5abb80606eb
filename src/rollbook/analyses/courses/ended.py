"""Ended memberships: who has left a course as the roster tells it, without an event that says so."""

from datetime import date
from typing import Any, Generic, Self

from pydantic import PrivateAttr

from rollbook.analyses.learning.of_course import OfCourse
from rollbook.analyses.question import A, When
from rollbook.store import Store


class OfEnrolled(OfCourse[A], Generic[A]):
    """A question that leaves out of those at risk whose membership as a learner has ended."""

    # course, user and the first day on which the membership no longer holds
    _ended: tuple[tuple[str, str, date], ...] = PrivateAttr(())

    def informed(self, store: Store, tenant: str) -> Self:
        """The question with the memberships that end."""
        made = self.model_copy()
        made._ended = tuple(
            (row["course"], row["user"], row["ends"])
            for row in store.records.people.memberships(tenant, course=self.course)
            if row["role"] == "learner" and row["ends"] is not None
        )
        return made

    def bound(self, when: When) -> dict[str, Any]:
        """The courses and users of memberships that have ended by today, side by side."""
        ended = [(course, user) for course, user, ends in self._ended if ends <= when.today]
        courses, users = [course for course, _ in ended], [user for _, user in ended]
        return super().bound(when) | {"ended_courses": courses, "ended_users": users}
