"""Insights over HTTP, in document 5's InsightReport."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from rollbook.actions.insights import InsightReport, Options, ReportRange, report
from rollbook.actions.insights.insight import TYPES, InsightType
from rollbook.delivery.api.caller import FIRST_YEAR, LAST_YEAR, OpenStore
from rollbook.delivery.api.refusals import REFUSALS
from rollbook.delivery.api.span import span
from rollbook.errors import Invalid
from rollbook.governance.granted import Granted
from rollbook.store.scope import DAY

router = APIRouter(prefix="/api/v2/insights", tags=["document 5: analytics engine"], responses=REFUSALS)

USUAL_DAYS, MOST_DAYS = 28, 366
SHORTEST = timedelta(minutes=1)


def reached(period: ReportRange) -> ReportRange:
    """The period, if the store's calendar reaches it."""
    if not FIRST_YEAR <= period.start.year <= period.end.year <= LAST_YEAR:
        raise ValueError(f"use the years {FIRST_YEAR} to {LAST_YEAR}")
    return period


class InsightsWanted(BaseModel):
    """What document 5's generate_insights takes."""

    model_config = ConfigDict(extra="forbid")

    time_range: Annotated[ReportRange, AfterValidator(reached)]
    insight_types: Annotated[list[InsightType], Field(max_length=20)] = list(TYPES)
    options: Options = Options()


def period_of(
    store: OpenStore,
    grant: Granted,
    start: Annotated[str | None, Query(description="ISO 8601; default: 28 days before the end.")] = None,
    end: Annotated[str | None, Query(description="ISO 8601; a day alone is included. Default: now.")] = None,
) -> ReportRange:
    """The period that parameters name. Raises Invalid."""
    zone = store.zone_of(grant.tenant)
    begin, until = span(start, end, now=datetime.now(UTC), zone=zone, days=USUAL_DAYS)
    if not SHORTEST <= until - begin <= MOST_DAYS * DAY:
        raise Invalid(f"the period must be a minute to {MOST_DAYS} days long")
    if begin.year < FIRST_YEAR:
        raise Invalid(f"use the years {FIRST_YEAR} to {LAST_YEAR}")
    return ReportRange(start=begin, end=until, timezone=zone)


def options_of(
    confidence_threshold: Annotated[float, Query(ge=0, le=1)] = 0.9,
    max_insights: Annotated[int, Query(ge=1, le=200)] = 20,
    include_recommendations: bool = True,
) -> Options:
    """What to leave out."""
    return Options(
        include_recommendations=include_recommendations,
        confidence_threshold=confidence_threshold,
        max_insights=max_insights,
    )


@router.get("", summary="What is worth knowing")
def get_insights(
    store: OpenStore,
    grant: Granted,
    period: Annotated[ReportRange, Depends(period_of)],
    options: Annotated[Options, Depends(options_of)],
    types: Annotated[str | None, Query(description="Comma-separated; default: all.")] = None,
) -> InsightReport:
    """Insights of a period against the same length before it, with evidence, impact and confidence."""
    return report(store, grant, period, _types(types), options=options)


@router.post("", summary="What is worth knowing, as document 5 asks for it")
def post_insights(store: OpenStore, grant: Granted, wanted: InsightsWanted) -> InsightReport:
    """The same with document 5's parameters in the body."""
    return report(store, grant, wanted.time_range, tuple(wanted.insight_types), options=wanted.options)


def _types(text: str | None) -> tuple[InsightType, ...]:
    """The types of a list with commas. Raises Invalid."""
    if not text:
        return TYPES
    named = [name.strip().lower() for name in text.split(",")]
    known = {kind: kind for kind in TYPES}
    unknown = [name for name in named if name not in known]
    if unknown:
        raise Invalid(f"there is no insight type {unknown[0][:100]!r}; there are: {', '.join(TYPES)}")
    return tuple(kind for kind in TYPES if kind in named)
