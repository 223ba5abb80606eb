"""Content effectiveness: do scores change after using a content?"""

import math
from collections.abc import Sequence
from typing import Any, ClassVar

from pydantic import Field

from rollbook.analyses.chart import Bars, Chart
from rollbook.analyses.crowd import EVERYONE, Crowd
from rollbook.analyses.learning.of_course import OfPeriod
from rollbook.analyses.question import Answer, When

NORMAL_95 = 1.959963984540054


class ContentEffect(Answer):
    """One content, by its name."""

    content: str
    learners: int = Field(description="Who used it.")
    completed: int | None = Field(description="Of them, who completed it; null: withheld.")
    completion_rate: float | None
    compared: int = Field(description="Learners with a score on the concept before and after.")
    before: float | None = Field(description="Their mean score before.")
    after: float | None = Field(description="Their mean score after.")
    gain: float | None = Field(description="Mean of after minus before, in points.")
    low: float | None = Field(description="Lower end of the gain's 95 % interval; null: too few.")
    high: float | None = Field(description="Upper end.")


class ContentEffectiveness(OfPeriod[ContentEffect]):
    """How do learners' scores change after using a content, and do they complete it?

    For each learner who used a content (viewed, played, completed) on a concept: the last score on that concept before
    the first use, against the first score after it. The gain is the mean difference over those who have both; its
    interval is normal, 1.96 standard errors, from `least` learners on. What no concept names has no scores.

    This is what happened, not what the content did: learners who come back improve anyway (practice, other content,
    regression to the mean after a bad score). Only an experiment tells more.
    """

    least: int = Field(30, ge=2, le=100_000, description="Learners that an interval needs.")

    # the scope is read three times, since few have attempts on both sides of a use: to keep every learner's uses and
    # attempts together takes three times as long, and as much memory. OrNull: null where nobody has
    sql: ClassVar[str] = """
        select content, learners, completed_by, compared, before, after, gain, deviation
        from (
            select content, uniqExact(person) as learners,
                   uniqExactIf(person, type in {completions:Array(String)}) as completed_by
            from scope
            where type in {uses:Array(String)} and content != '' and person != sipHash64('')
            group by content) as used
        left join (
            select thing, count() as compared, avgOrNull(pre) as before, avgOrNull(post) as after,
                   avgOrNull(post - pre) as gain, stddevSampOrNull(post - pre) as deviation
            from (
                select thing, arrayCount(t -> t < began, times) as earlier, arrayCount(t -> t <= began, times) as later,
                       points[earlier] as pre, points[later + 1] as post
                from (
                    select cityHash64(content) as thing, cityHash64(concept, person) as topic, min(timestamp) as began
                    from scope
                    where type in {uses:Array(String)} and content != '' and person != sipHash64('')
                    group by thing, topic) as first_uses
                join (
                    select cityHash64(concept, person) as topic, tries.1 as times, tries.2 as points,
                           arraySort(groupArray((timestamp, assumeNotNull(score)))) as tries
                    from scope
                    where type in {attempts:Array(String)} and isNotNull(score) and concept != ''
                          and person != sipHash64('')
                    group by topic
                    having length(tries) > 1) as attempts using (topic)
                where earlier > 0 and later < length(times))
            group by thing) as scored on thing = cityHash64(content)
        order by content
        """
    crowd: ClassVar[Crowd] = Crowd(
        "select content, person from scope"
        " where type in {uses:Array(String)} and content != '' and person != sipHash64('')",
        keys=("content",),
        counts={"learners": EVERYONE, "completed": "learners", "compared": ""},
        rates={"completion_rate": ("completed", "learners")},
        optional=("completed",),
    )
    chart: ClassVar[Chart] = Bars(x="content", y="gain")

    def rows(self, found: Sequence[dict[str, Any]], when: When) -> list[ContentEffect]:
        """With the interval."""
        answers = []
        for row in map(dict, found):
            deviation, completed = row.pop("deviation"), row.pop("completed_by")
            told = row["compared"] >= self.least and deviation is not None
            margin = NORMAL_95 * deviation / math.sqrt(row["compared"]) if told else None
            low, high = (None, None) if margin is None else (row["gain"] - margin, row["gain"] + margin)
            more = {"completed": completed, "completion_rate": completed / row["learners"]}
            answers.append(ContentEffect(**row, **more, low=low, high=high))
        return answers
