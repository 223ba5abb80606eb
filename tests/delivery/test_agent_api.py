"""Document 1's routes: every field and default as written, with numbers worked out by hand."""

from typing import Any

import pytest

from rollbook.store import Store
from tests.delivery.serving import serve
from tests.stories import happened, tell

NOW = "2026-03-08T00:00:00Z"


def a_week_of_ada(store: Store, tenant: str) -> None:
    """Ada: 7 sessions, 4 contents begun and 2 completed, quizzes of 80 and 60, 6,300 seconds altogether."""
    sessions = [happened("session_start", at=f"2026-03-0{day}T09:00", duration=900) for day in range(1, 8)]
    begun = [happened("content_view", at="2026-03-03T10:00", content=name) for name in "abcd"]
    done = [happened("content_completion", at="2026-03-04T10:00", content=name) for name in "ab"]
    quizzes = [
        happened("quiz_completion", at="2026-03-05T10:00", concept="sums", score=80),
        happened("quiz_completion", at="2026-03-06T10:00", concept="roots", score=60),
    ]
    tell(store, tenant, sessions + begun + done + quizzes)


ADA = {
    # 0.3 x 7/14 + 0.3 x 2/4 + 0.2 x 0.7 + 0.2 x 6300/12600
    "engagement_score": pytest.approx(0.54),
    "session_count": 7,
    "total_time_spent": 6300,
    "content_completion_rate": 0.5,
    "quiz_performance": pytest.approx(0.7),
}


def get(store: Store, address: str, **parameters: Any) -> dict[str, Any]:
    """The answer to a request that must be served."""
    answer = serve(store).get(address, params=parameters)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_metrics_of_a_user(store: Store, tenant: str) -> None:
    a_week_of_ada(store, tenant)
    # completion 0.5 and quizzes 0.7 add no risk; one of two concepts was passed in 7 days
    assert get(store, "/metrics/ada", tenant_id=tenant, as_of=NOW) == {
        "user_id": "ada",
        "engagement": ADA,
        "dropout_risk": 0.0,
        "learning_velocity": pytest.approx(1 / 7),
    }


@pytest.mark.parametrize(
    ("window", "days"), [({}, "7d"), ({"window": "7d"}, "7d"), ({"window": "7"}, "7d"), ({"window": "168h"}, "7d")]
)
def test_engagement_in_a_window(store: Store, tenant: str, window: dict[str, str], days: str) -> None:
    a_week_of_ada(store, tenant)
    found = get(store, "/engagement/ada", tenant_id=tenant, as_of=NOW, **window)
    assert found == ADA | {"user_id": "ada", "time_window": days}


def test_a_longer_window_spreads_the_same_work_thinner(store: Store, tenant: str) -> None:
    a_week_of_ada(store, tenant)
    found = get(store, "/engagement/ada", tenant_id=tenant, as_of=NOW, window="2w")
    # 0.3 x 7/28 + 0.3 x 2/4 + 0.2 x 0.7 + 0.2 x 6300/25200
    assert found["engagement_score"] == pytest.approx(0.415)
    assert found["time_window"] == "14d"


def test_somebody_never_seen_is_no_error(store: Store, tenant: str) -> None:
    zeros = dict.fromkeys(ADA, 0)
    found = get(store, "/metrics/nobody", tenant_id=tenant)
    assert found == {"user_id": "nobody", "engagement": zeros, "dropout_risk": None, "learning_velocity": 0}
    assert get(store, "/predict-dropout/nobody", tenant_id=tenant)["risk_level"] == "unknown"


def test_a_user_id_may_hold_a_slash(store: Store, tenant: str) -> None:
    tell(store, tenant, [happened("session_start", "lms/7", at="2026-03-07T09:00")])
    found = get(store, "/engagement/lms%2F7", tenant_id=tenant, as_of=NOW)
    assert (found["user_id"], found["session_count"]) == ("lms/7", 1)


@pytest.mark.parametrize(
    ("last_day", "completed", "score", "risk", "level"),
    [
        ("2026-03-07", 4, 90, 0.0, "low"),
        ("2026-02-25", 1, 50, 0.55, "medium"),  # away over 7 days 0.1, completion 0.25 0.3, quiz 0.5 0.15
        ("2026-02-20", 1, 30, 0.8, "high"),  # over 14 days 0.2, 0.3, quiz under 0.4 0.3
        ("2026-01-01", 2, 50, 0.55, "medium"),  # over 30 days 0.4, completion 0.5 0, quiz 0.15
        ("2026-01-01", 1, 30, 1.0, "high"),
    ],
)
def test_dropout_risk_adds_up(
    store: Store, tenant: str, last_day: str, completed: int, score: float, *, risk: float, level: str
) -> None:
    at = f"{last_day}T00:00"
    views = [happened("content_view", at=at, content=name) for name in "abcd"]
    done = [happened("content_completion", at=at, content=name) for name in "abcd"[:completed]]
    tell(store, tenant, [*views, *done, happened("quiz_completion", at=at, score=score)])
    found = get(store, "/predict-dropout/ada", tenant_id=tenant, as_of=NOW)
    assert found == {"user_id": "ada", "dropout_risk": risk, "risk_level": level}


def test_retention_of_everyone_and_of_those_named(store: Store, tenant: str) -> None:
    old = [happened("content_view", name, at="2026-02-01T10:00") for name in ("ada", "bob", "cyd")]
    tell(store, tenant, [*old, happened("content_view", "ada", at="2026-03-05T10:00")])
    everyone = get(store, "/retention", tenant_id=tenant, as_of=NOW)
    assert everyone == {"period_days": 7, "retention_rate": pytest.approx(1 / 3), "cohort_size": 3}
    named = get(store, "/retention", tenant_id=tenant, as_of=NOW, cohort_users="ada, bob,", period=30)
    assert named == {"period_days": 30, "retention_rate": 0.5, "cohort_size": 2}
    # 40 days hold 1 February too
    assert get(store, "/retention", tenant_id=tenant, as_of=NOW, period=40)["retention_rate"] == 1.0
    assert get(store, "/retention", tenant_id=tenant, as_of=NOW, cohort_users="")["cohort_size"] == 3


def test_a_cohort_falls_and_is_null_where_days_have_not_passed(store: Store, tenant: str) -> None:
    first = [happened("content_view", name, at="2026-02-01T10:00") for name in ("ada", "bob", "cyd", "dan")]
    back = [
        happened("content_view", "ada", at="2026-02-02T10:00"),
        happened("content_view", "bob", at="2026-02-08T10:00"),
        happened("content_view", "cyd", at="2026-02-20T10:00"),
    ]
    tell(store, tenant, first + back)
    assert get(store, "/cohort-analysis", tenant_id=tenant, cohort_date="2026-02-01", as_of=NOW) == {
        "cohort_date": "2026-02-01",
        "cohort_size": 4,
        "retention": {"day_1": 0.75, "day_7": 0.5, "day_14": 0.25, "day_30": 0.0, "day_90": None},
    }


def test_dashboard_data(store: Store, tenant: str) -> None:
    tell(
        store,
        tenant,
        [
            happened("session_start", "ada", at="2026-03-07T10:00"),
            happened("content_view", "ada", at="2026-03-07T10:01"),
            happened("content_view", "bob", at="2026-03-07T11:00"),
            happened("content_view", "cyd", at="2026-03-02T11:00"),
            happened("content_view", "dan", at="2026-02-10T11:00"),
            happened("content_view", "eve", at="2026-01-01T11:00"),
            happened("heartbeat", "", at="2026-03-07T12:00"),
        ],
    )
    assert get(store, "/dashboard-data", tenant_id=tenant, as_of=NOW) == {
        "timestamp": NOW,
        "period": "24h",
        "metrics": {"active_users": 2, "total_events": 4, "retention_7d": 0.6, "retention_30d": 0.8},
        "event_distribution": {"session_start": 1, "content_view": 2, "heartbeat": 1},
    }


def test_an_empty_dashboard(store: Store, tenant: str) -> None:
    found = get(store, "/dashboard-data", tenant_id=tenant)
    assert found["metrics"] == {"active_users": 0, "total_events": 0, "retention_7d": 0.0, "retention_30d": 0.0}
    assert found["event_distribution"] == {}


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("/retention?period=x", "parameter period: "),
        ("/retention?period=0", "greater than or equal to 1, not '0'"),
        ("/engagement/ada?window=25h", "parameter window: should be a number of days, as 7d, 30d or 2w, not '25h'"),
        ("/engagement/ada?window=soon", "not 'soon'"),
        ("/cohort-analysis", "parameter cohort_date is missing"),
        ("/cohort-analysis?cohort_date=yesterday", "parameter cohort_date: "),
        ("/cohort-analysis?cohort_date=0001-01-01", "greater than or equal to 1981-01-01"),
        ("/retention?as_of=9999-12-31", "use the years 1981 to 2148"),
    ],
)
def test_a_wrong_parameter_is_named(store: Store, address: str, says: str) -> None:
    answer = serve(store).get(address)
    assert answer.status_code == 422
    assert says in answer.json()["detail"]
