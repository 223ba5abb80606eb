"""Learner progress: how far is one learner in each course?"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, ClassVar, Literal

from pydantic import Field

from rollbook.analyses.learner.of_learner import OfLearner
from rollbook.analyses.learning.of_course import OfCourse, Passing
from rollbook.analyses.question import Answer, When

Status = Literal["completed", "withdrawn", "enrolled", "unknown"]


class ProgressInCourse(Answer):
    """One course of the learner's."""

    course: str
    status: Status = Field(description="`unknown`: active without an enrolment that we know of.")
    enrolled: datetime | None = Field(description="Last enrolment.")
    track: str = Field(description="Of the last enrolment: property `track` or `mode`.")
    last_visit: datetime | None = Field(description="Last activity; null: never came.")
    days_active: int = Field(description="Calendar days with activity.")
    used: int = Field(description="Distinct contents viewed, played or completed.")
    completed: int = Field(description="Distinct contents completed.")
    attempts: int = Field(description="Attempts with a score.")
    grade: float | None = Field(description="As in `grade_distribution`; null: no scores.")
    passing: bool | None = Field(description="Whether the grade passes; null: no grade.")


class LearnerProgress(OfLearner[ProgressInCourse], OfCourse[ProgressInCourse]):
    """How far is this learner in each course: enrolment, last visit, contents, grade?"""

    passing: Passing = Field(70, description="Grade from which a learner passes.")

    sql: ClassVar[str] = """
        select name as course, maxOrNullIf(at, joins) as enrolled, maxOrNullIf(at, leaves) as left,
               argMaxIf(track, (at, track), joins) as track, maxOrNullIf(at, acts) as last_visit,
               uniqExactIf(toDate(at, {zone:String}), acts) as days_active,
               uniqExactIf(thing, thing != '' and (views or completes)) as used,
               uniqExactIf(thing, thing != '' and completes) as completed,
               max(ends) as done, groupArrayIf((at, points, thing), tries) as scores
        from (
            select course as name, timestamp as at, content as thing, ifNull(score, 0) as points,
                   type in {enrolments:Array(String)} as joins, type in {withdrawals:Array(String)} as leaves,
                   type not in {administrative:Array(String)} as acts, type in {uses:Array(String)} as views,
                   type in {completions:Array(String)} as completes,
                   type in {course_completions:Array(String)} as ends,
                   type in {attempts:Array(String)} and isNotNull(score) as tries,
                   if(JSONExtractString(properties, 'track') != '', JSONExtractString(properties, 'track'),
                      JSONExtractString(properties, 'mode')) as track
            from scope
            where course != '')
        group by name
        order by name
        """

    def rows(self, found: Sequence[dict[str, Any]], when: When) -> list[ProgressInCourse]:
        """With the status and the grade."""
        answers = []
        for row in map(dict, found):
            scores, left, done = (row.pop(name) for name in ("scores", "left", "done"))
            last = {thing: points for _, points, thing in sorted(scores)}
            grade = sum(last.values()) / len(last) if last else None
            answers.append(
                ProgressInCourse(
                    **row,
                    status=_status(row["enrolled"], left, done=bool(done)),
                    attempts=len(scores),
                    grade=grade,
                    passing=None if grade is None else grade >= self.passing,
                )
            )
        return answers


def _status(enrolled: datetime | None, left: datetime | None, *, done: bool) -> Status:
    if done:
        return "completed"
    if left is not None and (enrolled is None or left > enrolled):
        return "withdrawn"
    return "unknown" if enrolled is None else "enrolled"
