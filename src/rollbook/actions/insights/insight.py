"""Insight: one thing worth knowing (document 5's models), and how insights are found."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, get_args
from uuid import uuid4

from pydantic import BaseModel, Field

from rollbook.analyses.ask import ask
from rollbook.analyses.question import A, Question
from rollbook.governance.grants import Grant
from rollbook.store import Store
from rollbook.store.scope import MILLISECOND

InsightType = Literal[
    "conversation_patterns",
    "user_behavior",
    "performance_trends",
    "cost_optimization",
    "quality_metrics",
    "predictive",
    "anomaly",
]
TYPES: tuple[InsightType, ...] = get_args(InsightType)
Impact = Literal["low", "medium", "high", "critical"]
IMPACTS: tuple[Impact, ...] = ("critical", "high", "medium", "low")
Effort = Literal["low", "medium", "high"]
# no evidence makes sure of everything
SUREST = 0.999


class Insight(BaseModel):
    """One thing worth knowing."""

    insight_id: str = Field(default_factory=lambda: str(uuid4()))
    type: InsightType
    title: str
    description: str
    impact: Impact
    confidence: float = Field(
        ge=0,
        le=1,
        description="1 minus the p-value of its test; where nothing is tested, how much of the data it rests on.",
    )
    supporting_data: dict[str, Any]
    recommendations: list[str] = []
    tags: list[str] = []
    created_at: datetime = Field(default_factory=lambda: datetime.now(UTC))


@dataclass(frozen=True, slots=True)
class Advice:
    """What could be done about it."""

    title: str
    description: str
    effort: Effort
    benefit: str
    steps: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """An insight before it is part of a report."""

    title: str
    description: str
    impact: Impact
    confidence: float
    data: dict[str, Any]
    advice: tuple[Advice, ...] = ()
    tags: tuple[str, ...] = ()


class TooLittle(Exception):
    """There is not enough to say anything; the text says what is missing."""


@dataclass(frozen=True, slots=True)
class Inquiry:
    """Whose data, as far as the grant reaches, and the period: so many whole days that end at a moment."""

    store: Store
    grant: Grant
    end: datetime
    days: int
    known: dict[str, Any] = field(default_factory=dict)

    def before(self) -> "Inquiry":
        """The period just before, of the same length."""
        return replace(self, end=self.end - timedelta(days=self.days))

    def ask(self, question: Question[A]) -> list[A]:
        """The rows of a question, as of the end of the period."""
        asked = question.model_copy(update={"as_of": question.as_of or self.end})
        return ask(self.store, asked, self.grant).rows

    @property
    def begin(self) -> datetime:
        """The first moment of the period."""
        return self.end - timedelta(days=self.days) + MILLISECOND

    @property
    def sees_all(self) -> bool:
        """Whether all of the tenant may be seen."""
        return self.grant.users is None and self.grant.courses is None and not self.grant.cells


Finder = Callable[[Inquiry], list[Finding]]


def sure(p_value: float) -> float:
    """The confidence that belongs to a p-value."""
    return min(SUREST, 1 - p_value)


def changed(now: float, before: float) -> str:
    """A change in words."""
    if not before:
        return "from nothing"
    share = now / before - 1
    return f"{'up' if share > 0 else 'down'} {abs(share):.0%}"
