"""Document 1, the Analytics Agent: metrics, retention, engagement, dropout, cohorts, the dashboard's data, exports."""

import re
from datetime import UTC, date, datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from starlette.responses import StreamingResponse

from rollbook.analyses.ask import ask
from rollbook.analyses.cohort_analysis import CohortAnalysis
from rollbook.analyses.event_distribution import EventDistribution
from rollbook.analyses.learner.dropout_risk import DropoutRisk
from rollbook.analyses.learner.engagement import Engagement
from rollbook.analyses.learner.learner_metrics import LearnerMetrics
from rollbook.analyses.learner.measures import Window
from rollbook.analyses.question import Days, aware
from rollbook.analyses.retention import Retention
from rollbook.analyses.retention_periods import RetentionPeriods
from rollbook.delivery.api.caller import FIRST_YEAR, LAST_YEAR, AsOf, OpenStore
from rollbook.delivery.api.downloads import FILE, download
from rollbook.delivery.api.refusals import REFUSALS
from rollbook.delivery.api.span import span
from rollbook.delivery.exports import Format, Wanted, export
from rollbook.governance.granted import Granted
from rollbook.governance.grants import Grant
from rollbook.store import Scope, Store

router = APIRouter(tags=["document 1: analytics agent"], responses=REFUSALS)

HOURS_A_DAY = 24

# an id may hold slashes
User = Annotated[str, Path(min_length=1, max_length=1024, description="The user's id.")]
Day = Annotated[
    date, Query(ge=date(FIRST_YEAR, 1, 1), le=date(LAST_YEAR, 12, 31), description="ISO date, as 2024-01-01.")
]


def readable(window: object) -> object:
    """Hours that are whole days as days; says what would be right where it is no window."""
    found = re.fullmatch(r"(\d+)([hdw]?)", window.strip().lower()) if isinstance(window, str) else None
    if isinstance(window, str) and not (found and (found[2] != "h" or int(found[1]) % HOURS_A_DAY == 0)):
        raise ValueError("should be a number of days, as 7d, 30d or 2w")
    return int(found[1]) // HOURS_A_DAY if found and found[2] == "h" else window


TimeWindow = Annotated[
    Window, BeforeValidator(readable, json_schema_input_type=str), Query(description="So many times 24 hours: 7d, 2w.")
]


class EngagementMetrics(BaseModel):
    """Engagement of one user; 0 where nothing is known."""

    engagement_score: float = Field(description="0 to 1.")
    session_count: int
    total_time_spent: float = Field(description="Seconds.")
    content_completion_rate: float = Field(description="Distinct content completed over distinct content started.")
    quiz_performance: float = Field(description="Mean quiz score over 100.")


class UserEngagement(EngagementMetrics):
    """Engagement of one user in a time window."""

    user_id: str
    time_window: str = Field(description="As 7d.")


class UserMetrics(BaseModel):
    """One user at a glance."""

    user_id: str
    engagement: EngagementMetrics
    dropout_risk: float | None = Field(description="0 to 1; null for someone never seen.")
    learning_velocity: float = Field(description="Concepts mastered a day.")


class RetentionInPeriod(BaseModel):
    """How many came in the period."""

    period_days: int
    retention_rate: float = Field(description="0 to 1; 0 for an empty cohort.")
    cohort_size: int


class DropoutPrediction(BaseModel):
    """How likely a user is to drop out."""

    user_id: str
    dropout_risk: float | None = Field(description="0 to 1; null for someone never seen.")
    risk_level: Literal["low", "medium", "high", "unknown"] = Field(description="unknown: never seen.")


class CohortRetention(BaseModel):
    """What became of the users who first came on one day."""

    cohort_date: date
    cohort_size: int
    retention: dict[str, float | None] = Field(description="day_N: share back on day N or later; null: not over yet.")


class DashboardMetrics(BaseModel):
    """The dashboard's figures."""

    active_users: int
    total_events: int
    retention_7d: float
    retention_30d: float


class Dashboard(BaseModel):
    """The dashboard's data; users, events and distribution are those of the last 24 hours."""

    timestamp: datetime
    period: Literal["24h"] = "24h"
    metrics: DashboardMetrics
    event_distribution: dict[str, int]


class ExportRequest(BaseModel):
    """What to export."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"format": "excel", "start_date": "2024-01-01", "end_date": "2024-01-31", "metrics": ["engagement"]}
            ]
        },
    )

    format: Format = Field(description="excel is xlsx.")
    start_date: str = Field(description="ISO 8601; a day alone begins with it.")
    end_date: str = Field(description="ISO 8601; a day alone is included.")
    metrics: list[str] | None = Field(
        None,
        max_length=20,
        description="Of events, engagement, retention, dropout_risk, learning_velocity, active_users, "
        "event_distribution; default: the events.",
    )


@router.get("/metrics/{user_id:path}")
def metrics(user_id: User, store: OpenStore, grant: Granted, as_of: AsOf = None) -> UserMetrics:
    """Engagement in the last 7 days, dropout risk and learning velocity of one user."""
    asked = LearnerMetrics(user=user_id, days=store.settings.velocity_window_days, as_of=as_of)
    return UserMetrics.model_validate(ask(store, asked, grant).only().model_dump())


@router.get("/retention")
def retention(
    store: OpenStore,
    grant: Granted,
    period: Annotated[Days, Query(description="Days.")] = 7,
    cohort_users: Annotated[str | None, Query(description="User ids, comma-separated; default: everyone.")] = None,
    as_of: AsOf = None,
) -> RetentionInPeriod:
    """The share of the named users, or of everyone ever seen, who were active in the period."""
    asked = Retention.model_validate({"period": period, "users": cohort_users or None, "as_of": as_of})
    return RetentionInPeriod.model_validate(ask(store, asked, grant).only().model_dump())


@router.get("/engagement/{user_id:path}")
def engagement(
    user_id: User,
    store: OpenStore,
    grant: Granted,
    window: TimeWindow = 7,
    as_of: AsOf = None,
) -> UserEngagement:
    """How engaged a user was in the time window."""
    asked = Engagement(user=user_id, window=window, as_of=as_of)
    return UserEngagement.model_validate(ask(store, asked, grant).only().model_dump())


@router.get("/predict-dropout/{user_id:path}")
def predict_dropout(user_id: User, store: OpenStore, grant: Granted, as_of: AsOf = None) -> DropoutPrediction:
    """Dropout risk of a user, by the documented rule."""
    asked = DropoutRisk(user=user_id, as_of=as_of)
    return DropoutPrediction.model_validate(ask(store, asked, grant).only().model_dump())


@router.get("/cohort-analysis")
def cohort_analysis(cohort_date: Day, store: OpenStore, grant: Granted, as_of: AsOf = None) -> CohortRetention:
    """Retention of the users whose first event ever fell on the day."""
    asked = CohortAnalysis(cohort_date=cohort_date, as_of=as_of)
    return CohortRetention.model_validate(ask(store, asked, grant).only().model_dump())


@router.get("/dashboard-data")
def dashboard_data(store: OpenStore, grant: Granted, as_of: AsOf = None) -> Dashboard:
    """What happened in the last 24 hours, and retention over 7 and 30 days."""
    now = as_of or aware(datetime.now(UTC))
    day, week, month = ask(store, RetentionPeriods(periods=(1, 7, 30), as_of=now), grant).whole(3)
    types = ask(store, EventDistribution(days=1, as_of=now), grant).rows
    return Dashboard(
        timestamp=now,
        metrics=DashboardMetrics(
            active_users=day.active_users,
            total_events=sum(row.events for row in types),
            retention_7d=week.retention_rate,
            retention_30d=month.retention_rate,
        ),
        event_distribution={row.type: row.events for row in types},
    )


@router.post("/export", response_class=StreamingResponse, responses=FILE)
def export_metrics(wanted: ExportRequest, store: OpenStore, grant: Granted) -> StreamingResponse:
    """Events, and metrics by name, as a file. JSON and Excel hold all that is named; CSV holds one table."""
    return download(export(store, _wanted(wanted, store, grant), wanted.format))


def _wanted(request: ExportRequest, store: Store, grant: Grant) -> Wanted:
    zone = store.zone_of(grant.tenant)
    now = datetime.now(UTC)
    begin, until = span(request.start_date, request.end_date, now=now, zone=zone, days=1)
    return Wanted(Scope(grant.tenant, until, begin, zone), metrics=tuple(request.metrics or ()), grant=grant)
