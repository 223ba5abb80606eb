"""Document 2, Studyin Analytics: learning overview, heatmap, gamification progress, system metrics."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from rollbook.analyses.ask import ask
from rollbook.analyses.gamification.gamification_progress import GamificationProgress, ProgressOfPerson
from rollbook.analyses.question import Days
from rollbook.analyses.study.learning_heatmap import DayOfCalendar, LearningHeatmap
from rollbook.analyses.study.learning_overview import LearningOverview, OverviewOfLearner
from rollbook.analyses.system.system_metrics import MOST_HOURS, EndpointUse, SystemMetrics
from rollbook.delivery.api.caller import AsOf, OpenStore
from rollbook.delivery.api.refusals import REFUSALS
from rollbook.errors import Invalid
from rollbook.governance.caller import OPEN
from rollbook.governance.granted import Granted
from rollbook.governance.grants import Grant

router = APIRouter(prefix="/api/analytics", tags=["document 2: studyin analytics"], responses=REFUSALS)

Whose = Annotated[
    str | None,
    Query(min_length=1, max_length=1024, description="Of whom; default: of whom the token is."),
]
Period = Annotated[Days, Query(description="Calendar days in the tenant's zone, today included.")]


class Heatmap(BaseModel):
    """One person's days, for a calendar."""

    user_id: str
    period_days: int
    timezone: str = Field(description="The zone of the days.")
    total_activities: int
    active_days: int = Field(description="Days with any activity.")
    data: list[DayOfCalendar] = Field(description="Every day, the oldest first.")


class ApiPerformance(BaseModel):
    """Latencies of `api_request`, in milliseconds; null where none were measured."""

    average_ms: float | None
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None


class SystemHealth(BaseModel):
    """How the API does that sends the events."""

    timestamp: datetime
    period_hours: int
    api_performance: ApiPerformance
    total_requests: int
    total_errors: int
    error_rate: float | None = Field(description="0 to 1; null where there were neither requests nor errors.")
    error_types: dict[str, int] | None = Field(description="Errors by type; null: withheld.")
    top_endpoints: list[EndpointUse] | None = Field(description="The most used first; null: withheld.")
    active_users: int


@router.get("/learning/overview")
def overview(
    store: OpenStore, grant: Granted, days: Period = 30, user_id: Whose = None, as_of: AsOf = None
) -> OverviewOfLearner:
    """Sessions, materials, XP, level, streaks and achievements of one person in the last days."""
    asked = LearningOverview(user=whose(grant, user_id), days=days, as_of=as_of)
    return ask(store, asked, grant).only()


@router.get("/learning/heatmap")
def heatmap(store: OpenStore, grant: Granted, days: Period = 365, user_id: Whose = None, as_of: AsOf = None) -> Heatmap:
    """What one person did on each of the last days: activities, minutes, XP."""
    user = whose(grant, user_id)
    answered = ask(store, LearningHeatmap(user=user, days=days, as_of=as_of), grant)
    return Heatmap(
        user_id=user,
        period_days=days,
        timezone=answered.timezone,
        total_activities=sum(day.activity_count for day in answered.rows),
        active_days=sum(day.activity_count > 0 for day in answered.rows),
        data=answered.rows,
    )


@router.get("/gamification/progress")
def progress(
    store: OpenStore, grant: Granted, days: Period = 30, user_id: Whose = None, as_of: AsOf = None
) -> ProgressOfPerson:
    """XP, level, the way to the next, achievements, XP by day and streaks of one person."""
    asked = GamificationProgress(user=whose(grant, user_id), days=days, as_of=as_of)
    return ask(store, asked, grant).only()


@router.get("/system/metrics")
def system(
    store: OpenStore,
    grant: Granted,
    hours: Annotated[int, Query(ge=1, le=MOST_HOURS, description="The last N hours.")] = 24,
    as_of: AsOf = None,
) -> SystemHealth:
    """Latency percentiles, errors, the most used endpoints and active users of the last hours."""
    answered = ask(store, SystemMetrics(hours=hours, as_of=as_of), grant)
    found = answered.only()
    latencies = ("average_ms", "p50_ms", "p95_ms", "p99_ms")
    told = found.model_dump(exclude={"hour", *latencies})
    performance = ApiPerformance(**{name: getattr(found, name) for name in latencies})
    return SystemHealth(timestamp=answered.as_of, period_hours=hours, api_performance=performance, **told)


def whose(grant: Grant, named: str | None) -> str:
    """The user whom a call is about: named, or of whom the token is; with open access nobody known ("").

    Raises Invalid for a key, which is nobody's, that names nobody.
    """
    caller = grant.caller
    if named:
        return named
    if caller is not None and caller.subject:
        return caller.subject
    if caller is OPEN:
        return ""
    raise Invalid("user_id: name the user; what you have shown is a key, which is nobody's own")
