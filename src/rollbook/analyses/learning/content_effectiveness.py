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

    sql: ClassVar[str] = """
        select content, uniqExact(person) as learners, uniqExactIf(person, completed) as completed_by,
               countIf(both) as compared, avgOrNullIf(pre, both) as before, avgOrNullIf(post, both) as after,
               avgOrNullIf(post - pre, both) as gain, stddevSampOrNullIf(post - pre, both) as deviation
        from (
            select person, arrayJoin(arrayDistinct(uses.1)) as content,
                   arrayFilter(u -> u.1 = content, uses) as mine, arrayMin(mine.2) as began,
                   arrayMax(mine.3) as completed,
                   arrayFilter(t -> t.1 < began, tries) as earlier, arrayFilter(t -> t.1 > began, tries) as later,
                   topic != '' and notEmpty(earlier) and notEmpty(later) as both,
                   earlier[-1].2 as pre, later[1].2 as post
            from (
                select person, topic,
                       groupArrayIf((thing, timestamp, done), used and thing != '') as uses,
                       arraySort(groupArrayIf((timestamp, points), tried)) as tries
                from (
                    select person, concept as topic, content as thing, timestamp, ifNull(score, 0) as points,
                           type in {uses:Array(String)} as used, type in {completions:Array(String)} as done,
                           type in {attempts:Array(String)} and isNotNull(score) as tried
                    from scope
                    where (type in {uses:Array(String)} or type in {attempts:Array(String)})
                          and person != sipHash64(''))
                group by person, topic
                having notEmpty(uses)))
        group by content
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
