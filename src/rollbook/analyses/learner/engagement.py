"""Engagement: how much one learner took part in the last days."""

import dataclasses
from collections.abc import Sequence
from typing import Any

from pydantic import Field

from rollbook.analyses.learner.measures import LearnerQuestion, Measures, Window, engagement_score, measures_of, share
from rollbook.analyses.question import Answer, When
from rollbook.store import Scope


class Participation(Answer):
    """What engagement is made of; 0 where nothing is known."""

    engagement_score: float = Field(description="0 to 1.")
    session_count: int = Field(description="`session_start` events.")
    total_time_spent: float = Field(description="Sum of all durations, in seconds.")
    content_completion_rate: float = Field(description="Distinct content completed over distinct content started.")
    quiz_performance: float = Field(description="Mean score of `quiz_completion` over 100.")


class EngagementOfLearner(Participation):
    """One learner's engagement in the window."""

    user_id: str
    time_window: str = Field(description="As `7d`.")


class Engagement(LearnerQuestion[EngagementOfLearner]):
    """How engaged was this learner in the last days?

    `engagement_score` is 0.3 x sessions (2 a day are 1) + 0.3 x content completion + 0.2 x quiz performance + 0.2 x
    time spent (30 minutes a day are 1), each part at most 1. What is not known counts 0: content completion where
    nothing was started, quiz performance where no quiz was taken, everything for someone without events.

    Content is started by `content_view`, `content_start`, `material_view`, `video_play` and by completing it; it is
    completed by `content_completion`, `completion`, `material_complete`, `course_complete`. Each content counts once,
    by its id (a completed course by the course's), failing that by the event's own. A quiz is a `quiz_completion` with
    a score, counted from 0 to 100.
    """

    window: Window = Field(7, description="The last N x 24 hours: 7, `7d` or `1w`.")

    def scope(self, when: When) -> Scope:
        """Only the window: that is much less to read than everything."""
        return dataclasses.replace(when.last(self.window), users=(self.user,))

    def window_days(self) -> int:
        """The question's own."""
        return self.window

    def rows(self, found: Sequence[dict[str, Any]], when: When) -> list[EngagementOfLearner]:
        """One row."""
        part = participation(measures_of(found), self.window)
        return [EngagementOfLearner(user_id=self.user, time_window=f"{self.window}d", **part.model_dump())]


def participation(measures: Measures, days: int) -> Participation:
    """Engagement from the measures of a window of so many days."""
    return Participation(
        engagement_score=engagement_score(measures, days),
        session_count=measures.sessions,
        total_time_spent=measures.seconds,
        content_completion_rate=share(measures.completed, measures.started) or 0.0,
        quiz_performance=(measures.score or 0.0) / 100,
    )
