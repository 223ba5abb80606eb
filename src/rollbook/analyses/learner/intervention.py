"""Intervention: what a teacher could do for one learner now (document 1's decision tree)."""

from collections.abc import Sequence
from typing import Any, ClassVar

from pydantic import Field

from rollbook.analyses.learner.measures import (
    HIGH,
    LearnerQuestion,
    Window,
    engagement_score,
    measures_of,
    risk_in_hundredths,
)
from rollbook.analyses.question import Answer, When
from rollbook.governance.consent import Purpose

ACTIONS = {
    "tutoring": (
        "Schedule 1-on-1 tutoring session",
        "Provide personalized learning path",
        "Check for external barriers",
    ),
    "engagement_boost": (
        "Send motivational message",
        "Suggest interactive content",
        "Offer gamification rewards",
    ),
    "additional_practice": (
        "Provide practice exercises",
        "Offer concept review materials",
        "Recommend prerequisite topics",
    ),
    "none": (),
}


class Recommendation(Answer):
    """What to do, how urgently, and why."""

    user_id: str
    intervention: str = Field(description="`tutoring`, `engagement_boost`, `additional_practice` or `none`.")
    priority: str = Field(description="`high`, `medium` or `low`.")
    reason: str
    actions: list[str]


class Intervention(LearnerQuestion[Recommendation]):
    """What would help this learner now?

    The first that holds: dropout risk over 0.7: `tutoring`; engagement score under 0.3: `engagement_boost`; mean quiz
    score under 50: `additional_practice`; else `none`. Engagement and quizzes are those of the window; without quizzes
    in it no practice is recommended. Someone never seen has no risk and no engagement, and so gets a boost.
    """

    window: Window = Field(7, description="Days of engagement and quizzes: 7, `7d` or `1w`.")

    def window_days(self) -> int:
        """The question's own."""
        return self.window

    purpose: ClassVar[Purpose] = "prediction"

    def rows(self, found: Sequence[dict[str, Any]], when: When) -> list[Recommendation]:
        """One row."""
        measures = measures_of(found)
        intervention, priority, reason = decide(
            risk_in_hundredths(measures, when.now), engagement_score(measures, self.window), measures.score
        )
        return [
            Recommendation(
                user_id=self.user,
                intervention=intervention,
                priority=priority,
                reason=reason,
                actions=list(ACTIONS[intervention]),
            )
        ]


def decide(risk: int | None, engagement: float, score: float | None) -> tuple[str, str, str]:
    """Intervention, priority and reason, from the risk in hundredths, the engagement and the mean quiz score."""
    if risk is not None and risk > HIGH:
        return "tutoring", "high", f"High dropout risk ({risk / 100:.2f})"
    if engagement < 0.3:
        return "engagement_boost", "high", f"Low engagement ({engagement:.2f})"
    if score is not None and score < 50:
        return "additional_practice", "medium", f"Low quiz performance ({score / 100:.2f})"
    return "none", "low", "Performance within normal range"
