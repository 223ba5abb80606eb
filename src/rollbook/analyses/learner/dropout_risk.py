"""Dropout risk: document 1's rule for one learner."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, ClassVar

from pydantic import Field

from rollbook.analyses.learner.measures import LearnerQuestion, measures_of, risk_in_hundredths, risk_level, share
from rollbook.analyses.question import Answer, When
from rollbook.governance.consent import Purpose


class Risk(Answer):
    """One learner's risk, and what it comes from."""

    user_id: str
    dropout_risk: float | None = Field(description="0 to 1; null for someone never seen.")
    risk_level: str = Field(description="`high` from 0.7, `medium` from 0.4, `low`, or `unknown`.")
    days_since_last_login: float | None = Field(description="Days since the last event; null for someone never seen.")
    completion_rate: float | None = Field(description="Completed over started content, ever; null: nothing started.")
    quiz_performance: float | None = Field(description="Mean quiz score over 100, ever; null: no quizzes.")


class DropoutRisk(LearnerQuestion[Risk]):
    """How likely is this learner to drop out, by document 1's rule?

    Added up in whole hundredths: away (since the last event of any type) for more than 30 days 0.4, 14 days 0.2, 7 days
    0.1; completion under 0.3 0.3, under 0.5 0.15; quiz performance under 0.4 0.3, under 0.6 0.15.

    Completion and quizzes are taken over everything the learner ever did: whoever stayed away for longer than a window
    would have none in it, and the rule could never reach 1. Who never started anything has no completion, who took no
    quiz no performance; neither adds to the risk. Someone never seen has no risk (null), and the level `unknown`.
    """

    purpose: ClassVar[Purpose] = "prediction"

    def rows(self, found: Sequence[dict[str, Any]], when: When) -> list[Risk]:
        """One row."""
        measures = measures_of(found)
        risk = risk_in_hundredths(measures, when.now)
        return [
            Risk(
                user_id=self.user,
                dropout_risk=None if risk is None else risk / 100,
                risk_level=risk_level(risk),
                days_since_last_login=None if measures.last is None else (when.now - measures.last) / timedelta(days=1),
                completion_rate=share(measures.completed_ever, measures.started_ever),
                quiz_performance=None if measures.score_ever is None else measures.score_ever / 100,
            )
        ]
