"""Concept mastery: which concepts have a course's learners mastered?"""

from collections.abc import Sequence
from itertools import groupby
from typing import Any, ClassVar

from pydantic import Field

from rollbook.analyses.chart import Bars, Chart
from rollbook.analyses.crowd import EVERYONE, Crowd
from rollbook.analyses.learning.knowledge import DEFAULT, Knowledge, Patterns, Probability, fitted
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

    sql: ClassVar[str] = """
        select topic as concept, pattern, count() as people, sum(n) as attempts, sum(p) as passed
        from (
            select topic, person, count() as n, countIf(points >= {passing:Float64}) as p,
                   arrayMap(t -> t.2 >= {passing:Float64},
                            arraySlice(arraySort(groupArray((timestamp, points))), -12)) as pattern
            from (
                select if(concept != '', concept, content) as topic, person, timestamp, assumeNotNull(score) as points
                from scope
                where type in {attempts:Array(String)} and isNotNull(score) and person != sipHash64(''))
            where topic != ''
            group by topic, person)
        group by topic, pattern
        order by topic, pattern
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
            concept: {tuple(map(bool, row["pattern"])): int(row["people"]) for row in rows}
            for concept, rows in groups.items()
        }
        enough = [
            concept
            for concept, counted in patterns.items()
            if sum(n for tries, n in counted.items() if len(tries) > 1) >= self.least
        ]
        models = dict(zip(enough, fitted([patterns[concept] for concept in enough]), strict=True))
        return [self._concept(concept, rows, patterns[concept], models) for concept, rows in groups.items()]

    def _concept(
        self, concept: str, rows: list[dict[str, Any]], patterns: Patterns, models: dict[str, Knowledge]
    ) -> ConceptOfMany:
        learners, attempts = sum(patterns.values()), sum(row["attempts"] for row in rows)
        mastered = sum(n for tries, n in patterns.items() if recent_share(tries, self.recent) >= self.enough)
        model = models.get(concept, DEFAULT)
        return ConceptOfMany(
            concept=concept,
            learners=learners,
            attempts=attempts,
            pass_rate=sum(row["passed"] for row in rows) / attempts,
            mastered=mastered,
            mastered_share=mastered / learners,
            knowledge=sum(model.known(tries) * n for tries, n in patterns.items()) / learners,
            fitted=concept in models,
            initial=model.initial,
            learn=model.learn,
            slip=model.slip,
            guess=model.guess,
        )
