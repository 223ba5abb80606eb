"""Learning velocity: how many concepts a learner masters a day."""

import dataclasses
from collections.abc import Sequence
from typing import Any

from pydantic import Field

from rollbook.analyses.learner.measures import DECIMALS, LearnerQuestion, Window, measures_of
from rollbook.analyses.question import Answer, When
from rollbook.store import Scope


class Velocity(Answer):
    """One learner's speed."""

    user_id: str
    learning_velocity: float = Field(description="Concepts mastered a day.")
    concepts_mastered: int
    window_days: int


class LearningVelocity(LearnerQuestion[Velocity]):
    """How many concepts does this learner master a day?

    Distinct concepts passed with 70 or more in a `quiz_completion`, over the days of the window; where a quiz names no
    concept, its content counts as one, failing that the quiz itself. 1 a day is document 1's target; under 0.5 a
    learner needs support.
    """

    days: Window = Field(7, description="The last N x 24 hours.")

    def scope(self, when: When) -> Scope:
        """Only the window: that is much less to read than everything."""
        return dataclasses.replace(when.last(self.days), users=(self.user,))

    def velocity_days(self) -> int:
        """The question's own."""
        return self.days

    def rows(self, found: Sequence[dict[str, Any]], when: When) -> list[Velocity]:
        """One row."""
        concepts = measures_of(found).concepts
        return [
            Velocity(
                user_id=self.user,
                learning_velocity=velocity(concepts, self.days),
                concepts_mastered=concepts,
                window_days=self.days,
            )
        ]


def velocity(concepts: int, days: int) -> float:
    """Concepts a day."""
    return round(concepts / days, DECIMALS)
