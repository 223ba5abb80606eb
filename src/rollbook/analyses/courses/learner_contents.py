"""Learner contents: what has one learner done with each content?"""

from datetime import datetime
from typing import ClassVar

from pydantic import Field

from rollbook.analyses.learner.of_learner import OfLearner
from rollbook.analyses.learning.of_course import OfPeriod
from rollbook.analyses.question import Answer


class ContentOfLearner(Answer):
    """One content."""

    course: str
    content: str
    concept: str = Field(description="The last one that it was named with.")
    views: int = Field(description="Page and content views.")
    plays: int = Field(description="Video plays.")
    completed: bool
    attempts: int = Field(description="Attempts, with a score or not.")
    hints: int = Field(description="Hints and solutions asked for.")
    first_score: float | None
    best_score: float | None
    last_score: float | None
    seconds: float = Field(description="Sum of durations.")
    last: datetime = Field(description="Last event.")


class LearnerContents(OfLearner[ContentOfLearner], OfPeriod[ContentOfLearner]):
    """What has this learner done with each content: views, plays, attempts, hints, scores?"""

    limit: int = Field(1000, ge=1, le=100_000, description="Most contents, the latest used first.")

    sql: ClassVar[str] = """
        select name as course, thing as content, argMax(topic, (at, topic)) as concept,
               countIf(kind in {pages:Array(String)}) as views, countIf(kind = 'video_play') as plays,
               max(kind in {completions:Array(String)}) as completed,
               countIf(kind in {attempts:Array(String)}) as attempts,
               countIf(kind in {hints:Array(String)} or kind in {solutions:Array(String)}) as hints,
               argMinOrNullIf(points, (at, points), tried) as first_score, maxOrNullIf(points, tried) as best_score,
               argMaxOrNullIf(points, (at, points), tried) as last_score, sum(long) as seconds, max(at) as last
        from (
            select course as name, content as thing, concept as topic, timestamp as at, type as kind,
                   ifNull(duration, 0) as long, ifNull(score, 0) as points,
                   type in {attempts:Array(String)} and isNotNull(score) as tried
            from scope
            where content != '')
        group by name, thing
        order by last desc, name, thing
        limit {limit:UInt32}
        """
