"""Questions about one learner."""

import dataclasses
from typing import ClassVar, Generic

from pydantic import Field

from rollbook.analyses.crowd import Crowd
from rollbook.analyses.question import A, Question, UserId, When
from rollbook.store import Scope


class OfLearner(Question[A], Generic[A]):
    """A question about one learner; before another question among the parents: that one, of this learner alone."""

    user: UserId = Field(description="Whose.")

    crowd: ClassVar[Crowd | None] = None

    def scope(self, when: When) -> Scope:
        """What this learner did."""
        return dataclasses.replace(super().scope(when), users=(self.user,))
