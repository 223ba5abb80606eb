"""Learners: the metrics of everyone, for tables and files."""

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar

from pydantic import Field

from rollbook.analyses.learner.each import measured
from rollbook.analyses.learner.learner_metrics import LearnerMetrics, MetricsOfLearner
from rollbook.analyses.learner.measures import Measures, Window
from rollbook.analyses.question import Question, When

# of people's names
HASHES = 2**64


class Learners(Question[MetricsOfLearner]):
    """How is every learner doing who has ever been seen: engagement, dropout risk and learning velocity?

    A school's learners can be too many for one answer, so they come in `parts`, each learner in one of them.
    """

    window: Window = Field(7, description="Days of engagement: 7, `7d` or `1w`.")
    days: Window = Field(7, description="Days of the learning velocity.")
    part: Annotated[int, Field(ge=0, description="Which of the parts, from 0.")] = 0
    parts: Annotated[int, Field(ge=1, le=10_000)] = 1

    # a part is a stretch of the layout by person
    sql: ClassVar[str] = (
        measured("user", "user", "person >= {first_person:UInt64} and person <= {last_person:UInt64}")
        + " order by user"
    )

    def bound(self, when: When) -> dict[str, Any]:
        """Where the windows begin, and who is in the part."""
        begins = (HASHES * self.part // self.parts, HASHES * (self.part + 1) // self.parts)
        first, last = (begins[0], begins[1] - 1) if self.part < self.parts else (1, 0)
        return self._one("").bound(when) | {"first_person": first, "last_person": last}

    def rows(self, found: Sequence[dict[str, Any]], when: When) -> list[MetricsOfLearner]:
        """A row for each, exactly as the question about one learner answers it."""
        return [self._one(row.pop("user")).of(Measures(**row), when) for row in map(dict, found)]

    def _one(self, user: str) -> LearnerMetrics:
        return LearnerMetrics.model_construct(user=user, window=self.window, days=self.days)
