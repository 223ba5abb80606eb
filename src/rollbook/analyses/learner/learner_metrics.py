"""Learner metrics: engagement, dropout risk and velocity of one learner, from one query."""

from collections.abc import Sequence
from typing import Any

from pydantic import Field

from rollbook.analyses.learner.engagement import Participation, participation
from rollbook.analyses.learner.learning_velocity import velocity
from rollbook.analyses.learner.measures import (
    LearnerQuestion,
    Measures,
    Window,
    measures_of,
    risk_in_hundredths,
    risk_level,
)
from rollbook.analyses.question import Answer, When


class MetricsOfLearner(Answer):
    """One learner at a glance."""

    user_id: str
    engagement: Participation
    dropout_risk: float | None = Field(description="0 to 1; null for someone never seen.")
    risk_level: str = Field(description="`high` from 0.7, `medium` from 0.4, `low`, or `unknown`.")
    learning_velocity: float = Field(description="Concepts mastered a day.")


class LearnerMetrics(LearnerQuestion[MetricsOfLearner]):
    """How is this learner doing: engagement, dropout risk and learning velocity?

    The same figures as those questions give one by one, from one query.
    """

    window: Window = Field(7, description="Days of engagement: 7, `7d` or `1w`.")
    days: Window = Field(7, description="Days of the learning velocity.")

    def window_days(self) -> int:
        """The question's own."""
        return self.window

    def velocity_days(self) -> int:
        """The question's own."""
        return self.days

    def rows(self, found: Sequence[dict[str, Any]], when: When) -> list[MetricsOfLearner]:
        """One row."""
        return [self.of(measures_of(found), when)]

    def of(self, measures: Measures, when: When) -> MetricsOfLearner:
        """The answer, from the learner's measures."""
        risk = risk_in_hundredths(measures, when.now)
        return MetricsOfLearner(
            user_id=self.user,
            engagement=participation(measures, self.window),
            dropout_risk=None if risk is None else risk / 100,
            risk_level=risk_level(risk),
            learning_velocity=velocity(measures.concepts, self.days),
        )
