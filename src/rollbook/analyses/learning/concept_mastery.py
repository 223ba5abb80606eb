"""Concept mastery: which concepts have a course's learners mastered?"""

import dataclasses
from collections.abc import Mapping, Sequence
from functools import cache
from itertools import groupby
from typing import Any, ClassVar

from pydantic import Field

from rollbook.analyses.chart import Bars, Chart
from rollbook.analyses.crowd import EVERYONE, Crowd
from rollbook.analyses.learning.knowledge import DEFAULT, Knowledge, Patterns, Probability, fitted, known_on_average
from rollbook.analyses.learning.mastery import Recent, recent_share
from rollbook.analyses.learning.of_course import OfPeriod, Passing
from rollbook.analyses.question import Answer, When


class ConceptOfMany(Answer):
    """One concept, by its name."""

    concept: str
    learners: int = Field(description="Who attempted it.")
    attempts: int
    pass_rate: float = Field(description="Share of the attempts that passed.")
    mastered: int | None = Field(description="Learners who mastered it, by the rule; null: withheld.")
    mastered_share: float | None = Field(description="Of those who attempted it.")
    knowledge: float = Field(description="By the model: how likely a learner knows it now, on average.")
    fitted: bool = Field(description="Whether the model's parameters are fitted to these learners, or the defaults.")
    initial: float
    learn: float
    slip: float
    guess: float


class ConceptMastery(OfPeriod[ConceptOfMany]):
    """Which concepts have the learners mastered, by a simple rule and by Bayesian knowledge tracing?

    Attempts, the rule and the model are those of `mastery`, for each learner and concept. Where at least `least`
    learners attempted a concept twice or more, the model's parameters are fitted to all who attempted it (expectation
    maximisation from the defaults, within bounds: slip to 0.3, guess to 0.4); else they are the defaults.
    """

    passing: Passing = Field(70, description="Score from which an attempt is passed.")
    recent: Recent = Field(5, description="Attempts that the rule looks at, the last ones.")
    enough: Probability = Field(0.7, description="Share of them that must be passed.")
    least: int = Field(30, ge=2, le=100_000, description="Learners with two attempts that a fit needs.")

    # numbers group faster than tuples and arrays: an attempt's is its millisecond and, in the lowest bit, whether it
    # passed; a pattern's has an attempt in each bit, the first in the lowest, and a 1 above them
    sql: ClassVar[str] = """
        select any(topic) as concept, pattern, count() as people, sum(n) as attempts, sum(p) as passed
        from (
            select topic, length(tries) as n, p, arraySlice(arraySort(tries), -12) as last,
                   bitShiftLeft(toUInt16(1), length(last)) + arraySum(
                       (try, nth) -> bitShiftLeft(toUInt16(bitAnd(try, 1)), nth - 1), last, arrayEnumerate(last)
                   ) as pattern
            from (
                select any(thing) as topic, countIf(good) as p, groupArray(at * 2 + good) as tries
                from (
                    select if(concept != '', concept, content) as thing, person,
                           toUnixTimestamp64Milli(timestamp) as at, assumeNotNull(score) >= {passing:Float64} as good
                    from scope
                    where type in {attempts:Array(String)} and isNotNull(score) and person != sipHash64(''))
                where thing != ''
                group by cityHash64(thing, person)))
        group by cityHash64(topic), pattern
        order by concept, pattern
        """
    crowd: ClassVar[Crowd] = Crowd(
        """
        select topic as concept, person from (
            select if(concept != '', concept, content) as topic, person from scope
            where type in {attempts:Array(String)} and isNotNull(score) and person != sipHash64(''))
        where topic != ''
        """,
        keys=("concept",),
        counts={"learners": EVERYONE, "mastered": "learners"},
        rates={"mastered_share": ("mastered", "learners")},
        optional=("mastered",),
    )
    chart: ClassVar[Chart] = Bars(x="concept", y="mastered_share", percent=True)

    def rows(self, found: Sequence[dict[str, Any]], when: When) -> list[ConceptOfMany]:
        """The patterns of each concept put together."""
        groups = {concept: list(rows) for concept, rows in groupby(found, lambda row: str(row["concept"]))}
        patterns = {
            concept: {_tries(row["pattern"]): int(row["people"]) for row in rows} for concept, rows in groups.items()
        }
        enough = [
            concept
            for concept, counted in patterns.items()
            if sum(n for tries, n in counted.items() if len(tries) > 1) >= self.least
        ]
        fits = dict(zip(enough, fitted([patterns[concept] for concept in enough]), strict=True))
        known = known_on_average(list(patterns.values()), [fits.get(concept, DEFAULT) for concept in patterns])
        return [
            self._concept(concept, rows, patterns=patterns[concept], knowledge=knowledge, fits=fits)
            for (concept, rows), knowledge in zip(groups.items(), known, strict=True)
        ]

    def _concept(
        self,
        concept: str,
        rows: list[dict[str, Any]],
        *,
        patterns: Patterns,
        knowledge: float,
        fits: Mapping[str, Knowledge],
    ) -> ConceptOfMany:
        learners, attempts = sum(patterns.values()), sum(row["attempts"] for row in rows)
        mastered = sum(n for tries, n in patterns.items() if recent_share(tries, self.recent) >= self.enough)
        return ConceptOfMany(
            concept=concept,
            learners=learners,
            attempts=attempts,
            pass_rate=sum(row["passed"] for row in rows) / attempts,
            mastered=mastered,
            mastered_share=mastered / learners,
            knowledge=knowledge,
            fitted=concept in fits,
            **dataclasses.asdict(fits.get(concept, DEFAULT)),
        )


@cache
def _tries(pattern: int) -> tuple[bool, ...]:
    """The attempts that a number tells."""
    return tuple(bool(pattern >> n & 1) for n in range(pattern.bit_length() - 1))
