"""Mastery: which concepts has one learner mastered?"""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, ClassVar

from pydantic import Field

from rollbook.analyses.chart import Bars, Chart
from rollbook.analyses.learner.of_learner import OfLearner
from rollbook.analyses.learning.knowledge import DEFAULT, MOST_TRIES, Knowledge, Mistake, Probability
from rollbook.analyses.learning.of_course import OfPeriod, Passing
from rollbook.analyses.question import Answer, When

Recent = Annotated[int, Field(ge=1, le=MOST_TRIES)]


class ConceptOfLearner(Answer):
    """One concept, by its name."""

    concept: str
    attempts: int
    passed: int = Field(description="Attempts with at least the passing score.")
    last_attempt: datetime
    last_score: float
    recent_share: float = Field(description="Share of the last attempts that passed.")
    mastered: bool = Field(description="By the rule: enough of the last attempts passed.")
    knowledge: float = Field(description="By the model: how likely the concept is known after the last attempt.")
    expected: float = Field(description="By the model: how likely the next attempt passes.")


class Mastery(OfLearner[ConceptOfLearner], OfPeriod[ConceptOfLearner]):
    """Which concepts has this learner mastered, by a simple rule and by Bayesian knowledge tracing?

    An attempt is an event of a type of attempts with a score; where it names no concept, its content is one; without
    either it is left out. The rule: of the last `recent` attempts the share with `passing` or more is at least
    `enough`. The model starts at `initial` before the last 12 attempts; each attempt moves it by Bayes' rule with
    `slip` and `guess`, then by `learn`. `concept_mastery` fits these parameters to a course. Of attempts in the same
    millisecond the lower score came first.
    """

    passing: Passing = Field(70, description="Score from which an attempt is passed.")
    recent: Recent = Field(5, description="Attempts that the rule looks at, the last ones.")
    enough: Probability = Field(0.7, description="Share of them that must be passed.")
    initial: Probability = Field(DEFAULT.initial, description="Model: known before the first attempt.")
    learn: Probability = Field(DEFAULT.learn, description="Model: learnt at an attempt.")
    slip: Mistake = Field(DEFAULT.slip, description="Model: not passed though known.")
    guess: Mistake = Field(DEFAULT.guess, description="Model: passed though not known.")

    sql: ClassVar[str] = """
        select topic as concept, count() as attempts, countIf(points >= {passing:Float64}) as passed,
               max(timestamp) as last_attempt, arraySlice(arraySort(groupArray((timestamp, points))), -12).2 as scores
        from (
            select if(concept != '', concept, content) as topic, timestamp, assumeNotNull(score) as points
            from scope
            where type in {attempts:Array(String)} and isNotNull(score))
        where topic != ''
        group by topic
        order by topic
        """
    chart: ClassVar[Chart] = Bars(x="concept", y="knowledge", percent=True)

    def rows(self, found: Sequence[dict[str, Any]], when: When) -> list[ConceptOfLearner]:
        """The rule and the model for each concept."""
        model = Knowledge(self.initial, self.learn, self.slip, self.guess)
        answers = []
        for row in map(dict, found):
            scores = row.pop("scores")
            tries = [score >= self.passing for score in scores]
            share, known = recent_share(tries, self.recent), model.known(tries)
            more = {"knowledge": known, "expected": model.expected(known), "last_score": scores[-1]}
            answers.append(ConceptOfLearner(**row, recent_share=share, mastered=share >= self.enough, **more))
        return answers


def recent_share(tries: Sequence[bool], recent: int) -> float:
    """Share of the last attempts that passed."""
    last = tries[-recent:]
    return sum(last) / len(last)
