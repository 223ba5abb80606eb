"""The report: insights of all types that are wanted, ranked, and what could be done (document 5's InsightReport)."""

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated
from uuid import uuid4

from pydantic import BaseModel, ConfigDict, Field, model_validator

from rollbook.actions.insights import anomaly, conversations, costs, performance, quality, user_behavior
from rollbook.actions.insights.insight import (
    IMPACTS,
    TYPES,
    Advice,
    Effort,
    Finder,
    Finding,
    Impact,
    Inquiry,
    Insight,
    InsightType,
    TooLittle,
)
from rollbook.analyses.question import Moment, Zone
from rollbook.errors import Forbidden, Invalid, QueryTimeout
from rollbook.governance.grants import Grant
from rollbook.store import Store

MOST_DAYS = 366
MOST_KEY_FINDINGS = 5

FINDERS: Mapping[InsightType, Finder] = {
    "conversation_patterns": conversations.find,
    "user_behavior": user_behavior.find,
    "performance_trends": performance.find,
    "cost_optimization": costs.find,
    "quality_metrics": quality.find,
    "anomaly": anomaly.find,
}
MISSING: dict[InsightType, str] = {
    "predictive": "there are no trained models; ask `dropout_risk` for the rule",
}


class ReportRange(BaseModel):
    """The period; its length is counted in days, the last one begun counts as whole."""

    start: Moment
    end: Moment
    timezone: Zone = "UTC"

    @model_validator(mode="after")
    def in_order(self) -> "ReportRange":
        """It ends after it starts, and is not too long."""
        if self.end <= self.start:
            raise ValueError("End time must be after start time")
        if self.end - self.start > timedelta(days=MOST_DAYS):
            raise ValueError(f"at most {MOST_DAYS} days")
        return self


class Options(BaseModel):
    """What to leave out."""

    model_config = ConfigDict(extra="forbid")

    include_recommendations: bool = True
    confidence_threshold: Annotated[float, Field(ge=0, le=1)] = 0.9
    max_insights: Annotated[int, Field(ge=1, le=200)] = 20


class Recommendation(BaseModel):
    """What could be done."""

    recommendation_id: str = Field(default_factory=lambda: str(uuid4()))
    title: str
    description: str
    impact: Impact
    effort: Effort
    priority: int = Field(ge=1, le=5, description="1 first.")
    category: InsightType
    expected_benefit: str
    implementation_steps: list[str]


class InsightSummary(BaseModel):
    """The insights in short."""

    total_insights: int
    by_type: dict[InsightType, int]
    by_impact: dict[Impact, int]
    key_findings: list[str]
    action_items: list[str]


class InsightReport(BaseModel):
    """All that was found, the most important first."""

    report_id: str = Field(default_factory=lambda: str(uuid4()))
    tenant_id: str
    time_range: ReportRange
    insights: list[Insight]
    summary: InsightSummary
    recommendations: list[Recommendation]
    confidence_scores: dict[InsightType, float] = Field(description="Mean confidence by type; 0: nothing is known.")
    insufficient_data: dict[InsightType, str] = Field(description="Types of which nothing can be said, and why.")
    generated_at: datetime = Field(default_factory=lambda: datetime.now(UTC))


def report(
    store: Store, grant: Grant, time_range: ReportRange, types: tuple[InsightType, ...] = TYPES, *, options: Options
) -> InsightReport:
    """What is worth knowing of a period. Types with too little data are named, and the others are told all the same."""
    days = max(1, -(-(time_range.end - time_range.start) // timedelta(days=1)))
    asked = Inquiry(store, grant, time_range.end, days)
    missing: dict[InsightType, str] = {}
    found: list[tuple[InsightType, Finding]] = []
    for kind in dict.fromkeys(types):
        try:
            found += [(kind, finding) for finding in _find(kind, asked)]
        except TooLittle as little:
            missing[kind] = str(little)
        except (Forbidden, Invalid, QueryTimeout) as error:
            missing[kind] = error.detail
    kept = [(kind, one) for kind, one in found if one.confidence >= options.confidence_threshold]
    kept.sort(key=lambda pair: (IMPACTS.index(pair[1].impact), -pair[1].confidence))
    kept = kept[: options.max_insights]
    advised = _recommendations(kept) if options.include_recommendations else []
    return InsightReport(
        tenant_id=grant.tenant,
        time_range=time_range,
        insights=[_insight(kind, one, advised=options.include_recommendations) for kind, one in kept],
        summary=_summary(kept, advised),
        recommendations=advised,
        confidence_scores={kind: _mean([one.confidence for k, one in kept if k == kind]) for kind in types},
        insufficient_data=missing,
    )


def _find(kind: InsightType, asked: Inquiry) -> list[Finding]:
    if kind not in FINDERS:
        raise TooLittle(MISSING[kind])
    return FINDERS[kind](asked)


def _insight(kind: InsightType, one: Finding, *, advised: bool) -> Insight:
    return Insight(
        type=kind,
        title=one.title,
        description=one.description,
        impact=one.impact,
        confidence=one.confidence,
        supporting_data=one.data,
        recommendations=[advice.title for advice in one.advice] if advised else [],
        tags=list(one.tags),
    )


def _recommendations(kept: list[tuple[InsightType, Finding]]) -> list[Recommendation]:
    """Each advice once, for the most important insight that it follows from."""
    first: dict[Advice, tuple[InsightType, Finding]] = {}
    for kind, one in kept:
        for advice in one.advice:
            first.setdefault(advice, (kind, one))
    return [
        Recommendation(
            title=advice.title,
            description=advice.description,
            impact=one.impact,
            effort=advice.effort,
            priority=IMPACTS.index(one.impact) + 1,
            category=kind,
            expected_benefit=advice.benefit,
            implementation_steps=list(advice.steps),
        )
        for advice, (kind, one) in first.items()
    ]


def _summary(kept: list[tuple[InsightType, Finding]], advised: list[Recommendation]) -> InsightSummary:
    return InsightSummary(
        total_insights=len(kept),
        by_type=dict(Counter(kind for kind, _ in kept)),
        by_impact=dict(Counter(one.impact for _, one in kept)),
        key_findings=[one.title for _, one in kept[:MOST_KEY_FINDINGS]],
        action_items=[one.title for one in advised[:MOST_KEY_FINDINGS]],
    )


def _mean(values: list[float]) -> float:
    return sum(values) / len(values) if values else 0.0
