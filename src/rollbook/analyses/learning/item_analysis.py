"""Item analysis: how hard is each item, and does it tell those who know more from those who know less?"""

import math
from collections.abc import Sequence
from typing import Any, ClassVar

from pydantic import Field

from rollbook.analyses.chart import Bars, Chart
from rollbook.analyses.crowd import EVERYONE, Crowd
from rollbook.analyses.learning.attempts import FIRST
from rollbook.analyses.learning.of_course import OfPeriod, Passing
from rollbook.analyses.question import Answer, When


class Item(Answer):
    """One item, by its name."""

    item: str
    learners: int = Field(description="Who attempted it.")
    difficulty: float = Field(description="Mean score of first attempts over 100: the higher, the easier.")
    pass_rate: float = Field(description="Share of first attempts that passed.")
    compared: int | None = Field(description="Learners who attempted other items as well; null: withheld.")
    discrimination: float | None = Field(
        description="Correlation of passing it with the mean score of the other items, -1 to 1; null: too few, or all"
        " alike."
    )


class ItemAnalysis(OfPeriod[Item]):
    """How hard is each item, and how well does it tell stronger learners from weaker ones?

    An item is a content with attempts that have a score; only the first attempt of each learner counts (of several in
    the same millisecond the lowest). Difficulty is the classical p-value, the mean over 100. Discrimination is
    item-rest: the point-biserial correlation of having passed the item (0 or 1) with the mean first score of the
    learner's other items, over those who have any, in the same scope; null with fewer than `least` of them, or where
    either does not vary. Under 0.2 an item says little, under 0 it may be keyed wrongly.
    """

    passing: Passing = Field(70, description="Score from which an attempt is passed.")
    least: int = Field(30, ge=2, le=100_000, description="Learners that a discrimination needs.")

    sql: ClassVar[str] = f"""
        select item, count() as learners, avg(first) / 100 as difficulty, avg(good) as pass_rate,
               countIf(others > 0) as compared, corrStableIf(good, rest, others > 0) as discrimination
        from (
            select item, first, toFloat64(first >= {{passing:Float64}}) as good,
                   k - 1 as others, if(others > 0, (total - first) / others, 0) as rest
            from (
                select length(firsts) as k, arraySum(firsts) as total, item, first
                from (
                    select groupArray(item) as items, groupArray(first) as firsts
                    from (
                        select any(content) as item, any(person) as learner, {FIRST} as first
                        from scope
                        where type in {{attempts:Array(String)}} and isNotNull(score) and content != ''
                              and person != sipHash64('')
                        group by cityHash64(content, person))
                    group by learner)
                array join items as item, firsts as first))
        group by item
        order by item
        """
    crowd: ClassVar[Crowd] = Crowd(
        """
        select content as item, person from scope
        where type in {attempts:Array(String)} and isNotNull(score) and content != '' and person != sipHash64('')
        """,
        keys=("item",),
        counts={"learners": EVERYONE, "compared": "learners"},
        optional=("compared",),
    )
    chart: ClassVar[Chart] = Bars(x="item", y="difficulty", percent=True)

    def rows(self, found: Sequence[dict[str, Any]], when: When) -> list[Item]:
        """Without discriminations of too few."""
        return [Item(**row | {"discrimination": self._told(row)}) for row in found]

    def _told(self, row: dict[str, Any]) -> float | None:
        value = row["discrimination"]
        return None if row["compared"] < self.least or value is None or math.isnan(value) else float(value)
