"""Time on task: how long do learners work?"""

from typing import ClassVar, Literal

from pydantic import Field

from rollbook.analyses.chart import Bars, Chart
from rollbook.analyses.crowd import EVERYONE, Crowd
from rollbook.analyses.learner.of_learner import OfLearner
from rollbook.analyses.learning.of_course import OfCourse
from rollbook.analyses.question import Answer, Days, When
from rollbook.store import Scope


class TimeOf(Answer):
    """One course, content, concept or day."""

    of: str = Field(description="Which; a day as 2026-03-02.")
    learners: int = Field(description="Who worked on it.")
    seconds: float = Field(description="Their time on it, each one's overlaps counted once.")
    seconds_a_learner: float
    median_seconds: float = Field(description="Of a learner.")


class TimeOnTask(OfCourse[TimeOf]):
    """How long do learners work on each course, content, concept or day?

    An event stands for the time from its timestamp to the learner's next event, if that comes within `idle_minutes`
    (else for none), and at least for its own duration, up to `longest_minutes`. The time on something is the union of
    its events' intervals, learner by learner: what overlaps counts once. Of events in the same millisecond the longest
    (then the last by name) has what follows. An interval belongs to the day on which it begins. Events that name
    nothing of the kind asked for are not shown, but end the time before them. Document 1's `total_time_spent` is
    something else, the plain sum of durations.
    """

    by: Literal["course", "content", "concept", "day"] = Field("course", description="What is told apart.")
    days: Days = Field(7, description="The last N x 24 hours.")
    idle_minutes: int = Field(30, ge=1, le=1440, description="A longer silence is not counted as work.")
    longest_minutes: int = Field(240, ge=1, le=1440, description="A duration counts up to this.")

    sql: ClassVar[str] = """
        select thing as of, count() as learners, sum(worked) as seconds, avg(worked) as seconds_a_learner,
               quantileExactInclusive(0.5)(worked) as median_seconds
        from (
            select span.1 as thing, intervalLengthSum(span.2, span.3) / 1000 as worked
            from (
                select person,
                       arraySort(groupArray((
                           toUnixTimestamp64Milli(timestamp),
                           least(greatest(ifNull(duration, 0), 0), 60. * {longest_minutes:UInt32}), thing))) as acts,
                       arrayJoin(arrayMap(
                           (act, next) -> (act.3, act.1, greatest(act.1 + toInt64(floor(act.2 * 1000)), if(
                               next - act.1 <= 60000 * toInt64({idle_minutes:UInt32}), next, act.1))),
                           acts, arrayPushBack(arrayPopFront(acts.1), 1000000000000000))) as span
                from (
                    select person, timestamp, duration,
                           multiIf({by:String} = 'course', toString(course), {by:String} = 'content', content,
                                   {by:String} = 'concept', concept,
                                   toString(toDate(timestamp, {zone:String}))) as thing
                    from scope
                    where person != sipHash64(''))
                group by person)
            where thing != ''
            group by thing, person)
        group by thing
        order by seconds desc, thing
        """
    crowd: ClassVar[Crowd | None] = Crowd(
        """
        select thing as of, person from (
            select person, multiIf({by:String} = 'course', toString(course), {by:String} = 'content', content,
                                   {by:String} = 'concept', concept,
                                   toString(toDate(timestamp, {zone:String}))) as thing
            from scope where person != sipHash64(''))
        where thing != ''
        """,
        keys=("of",),
        counts={"learners": EVERYONE},
    )
    chart: ClassVar[Chart] = Bars(x="of", y="seconds")

    def scope(self, when: When) -> Scope:
        """The period."""
        return self.in_course(when.last(self.days))


class LearnerTime(OfLearner[TimeOf], TimeOnTask):
    """How long does this learner work on each course, content, concept or day?

    Counted as in `time_on_task`.
    """
