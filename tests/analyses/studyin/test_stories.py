"""Document 2's questions, each as a small story with numbers worked out by hand."""

import json
from datetime import UTC, date, datetime
from typing import Any

from rollbook.analyses import catalogue
from rollbook.analyses.ask import ask
from rollbook.store import Store
from tests.stories import happened, tell

AS_OF = "2026-03-04T12:00"


def of(kind: str, at: str, user: str = "ada", told: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """An event of March 2026, at `day hour:minute`."""
    day, time = at.split()
    return happened(kind, user, f"2026-03-0{day}T{time}", properties=json.dumps(told or {}), **more)


def rows(store: Store, tenant: str, name: str, **parameters: Any) -> list[dict[str, Any]]:
    """The rows of a question."""
    asked = catalogue.question(name, {"as_of": AS_OF} | parameters)
    return [row.model_dump() for row in ask(store, asked, tenant).rows]


def three_days(store: Store, tenant: str) -> None:
    """Ada on the 1st, 2nd and 3rd: a session of 30 minutes, one of 45 by its `duration`, one that never ended."""
    tell(
        store,
        tenant,
        [
            of("session_start", "1 09:00"),
            of("material_view", "1 09:05", content="m1"),
            of("material_complete", "1 09:25", content="m1"),
            of("session_end", "1 09:30"),
            of("xp_earned", "1 09:30", told={"xp_amount": 80}),
            of("session_start", "2 10:00", session="s"),
            of("material_view", "2 10:10", content="m1", session="s"),
            of("material_view", "2 10:11", content="m2", session="s"),
            of("xp_earned", "2 10:12", told={"xp_amount": 40}, session="s"),
            of("session_end", "2 10:40", session="s", duration=2700.0),
            of("achievement_earned", "2 10:41", told={"achievement_id": "first"}),
            of("achievement_earned", "2 10:42", told={"achievement_id": "first"}),
            of("session_start", "3 08:00", session="t"),
            of("material_view", "3 08:12", session="t"),
            of("xp_earned", "3 08:12", told={"xp_amount": -20}),
            of("session_start", "3 09:00", "bo"),
            of("xp_earned", "3 09:00", "bo", told={"xp_amount": 500}),
        ],
    )


def test_learning_overview(store: Store, tenant: str) -> None:
    three_days(store, tenant)
    assert rows(store, tenant, "learning_overview", user="ada") == [
        {
            "user_id": "ada",
            "period_days": 30,
            "total_sessions": 3,
            # 30, 45, and 12 up to the last event of the one without an end
            "total_duration_minutes": 87.0,
            "average_session_minutes": 29.0,
            # m1, m2, and one without an id
            "materials_viewed": 3,
            "materials_completed": 1,
            "xp_earned": 100,
            "total_xp": 100,
            "current_level": 2,
            "current_streak": 3,
            "longest_streak": 3,
            "achievements_earned": 1,
            "total_achievements": 1,
        }
    ]
    (short,) = rows(store, tenant, "learning_overview", user="ada", days=2)
    # the 3rd and the 4th
    assert (short["total_sessions"], short["total_duration_minutes"], short["xp_earned"]) == (1, 12.0, -20)
    assert (short["total_xp"], short["total_achievements"], short["achievements_earned"]) == (100, 1, 0)


def test_a_session_without_a_start_an_end_or_an_id(store: Store, tenant: str) -> None:
    tell(
        store,
        tenant,
        [
            # an end alone, which says how long it was
            of("session_end", "1 09:00", duration=600.0),
            # a start that was never ended, then another
            of("session_start", "1 10:00"),
            of("session_start", "1 12:00"),
            of("session_end", "1 12:20"),
            # forgotten: never more than a day
            of("session_start", "2 00:00", session="long"),
            of("session_end", "4 10:00", session="long"),
        ],
    )
    minutes = [row["duration_minutes"] for row in rows(store, tenant, "learning_sessions", days=7)]
    assert minutes == [1440.0, 20.0, 0.0, 10.0]
    (found,) = rows(store, tenant, "learning_overview", user="ada")
    assert (found["total_sessions"], found["total_duration_minutes"]) == (4, 1470.0)


def test_learning_heatmap(store: Store, tenant: str) -> None:
    three_days(store, tenant)
    assert rows(store, tenant, "learning_heatmap", user="ada", days=4) == [
        {"date": date(2026, 3, 1), "activity_count": 5, "duration_minutes": 30.0, "xp_earned": 80},
        {"date": date(2026, 3, 2), "activity_count": 7, "duration_minutes": 45.0, "xp_earned": 40},
        {"date": date(2026, 3, 3), "activity_count": 3, "duration_minutes": 12.0, "xp_earned": -20},
        {"date": date(2026, 3, 4), "activity_count": 0, "duration_minutes": 0.0, "xp_earned": 0},
    ]


def test_gamification_progress(store: Store, tenant: str) -> None:
    three_days(store, tenant)
    (found,) = rows(store, tenant, "gamification_progress", user="ada", days=3)
    assert found == {
        "user_id": "ada",
        "period_days": 3,
        "current_xp": 100,
        # level 2 begins at 100, level 3 at 400
        "current_level": 2,
        "level_xp": 100,
        "next_level_xp": 400,
        "xp_to_next_level": 300,
        "progress_to_next_level": 0.0,
        "xp_earned": 20,
        "current_streak": 3,
        "longest_streak": 3,
        "total_achievements": 1,
        "achievements": [{"achievement_id": "first", "earned_at": datetime(2026, 3, 2, 10, 41, tzinfo=UTC)}],
        "xp_trend": [
            {"date": date(2026, 3, 2), "xp_earned": 40, "total_xp": 120},
            {"date": date(2026, 3, 3), "xp_earned": -20, "total_xp": 100},
            {"date": date(2026, 3, 4), "xp_earned": 0, "total_xp": 100},
        ],
    }


def test_gamification_stats(store: Store, tenant: str) -> None:
    three_days(store, tenant)
    tell(store, tenant, [of("page_view", "3 10:00", "cy")])
    found = rows(store, tenant, "gamification_stats")
    assert [(row["user_id"], row["total_xp"], row["current_level"], row["current_streak"]) for row in found] == [
        ("bo", 500, 3, 1),
        ("ada", 100, 2, 3),
    ]
    assert rows(store, tenant, "gamification_stats", limit=1) == found[:1]


def test_daily_activity_summary(store: Store, tenant: str) -> None:
    three_days(store, tenant)
    found = rows(store, tenant, "daily_activity_summary", days=7)
    assert [(row["date"].day, row["user_id"]) for row in found] == [(3, "ada"), (3, "bo"), (2, "ada"), (1, "ada")]
    assert found[2] == {
        "user_id": "ada",
        "date": date(2026, 3, 2),
        "activity_count": 7,
        "sessions": 1,
        "duration_minutes": 45.0,
        "materials_viewed": 2,
        "materials_completed": 0,
        "xp_earned": 40,
        "achievements_earned": 2,
        "ai_messages": 0,
    }


def test_learning_sessions(store: Store, tenant: str) -> None:
    three_days(store, tenant)
    found = rows(store, tenant, "learning_sessions", days=7)
    assert [(row["session_id"], row["user_id"], row["events"]) for row in found] == [
        (None, "bo", 2),
        ("t", "ada", 2),
        ("s", "ada", 5),
        # up to its end: what was earned in the same minute, too
        (None, "ada", 5),
    ]
    assert found[2] | {"events": 5} == {
        "session_id": "s",
        "user_id": "ada",
        "started_at": datetime(2026, 3, 2, 10, tzinfo=UTC),
        "ended_at": datetime(2026, 3, 2, 10, 40, tzinfo=UTC),
        "duration_minutes": 45.0,
        "events": 5,
        "materials_viewed": 2,
        "materials_completed": 0,
        "xp_earned": 40,
    }


def test_analytics_events(store: Store, tenant: str) -> None:
    three_days(store, tenant)
    found = rows(store, tenant, "analytics_events", days=7, type="xp_earned", limit=2)
    assert [(row["user_id"], row["properties"]) for row in found] == [
        ("bo", {"xp_amount": 500}),
        ("ada", {"xp_amount": -20}),
    ]


def test_ai_coach_metrics(store: Store, tenant: str) -> None:
    tell(
        store,
        tenant,
        [
            of("ai_message_sent", "3 09:00"),
            of("ai_message_sent", "3 09:01"),
            of("ai_message_received", "3 09:02", told={"latency_ms": 200}),
            of("ai_message_received", "3 09:03", told={"latency_ms": "400"}),
            of("ai_feedback_rated", "3 09:04", told={"rating": 5}),
            of("ai_feedback_rated", "3 09:05", told={"rating": 2}),
            of("ai_feedback_rated", "3 09:06", told={"rating": "good"}),
        ],
    )
    assert rows(store, tenant, "ai_coach_metrics") == [
        {
            "date": date(2026, 3, 3),
            "user_id": "ada",
            "messages_sent": 2,
            "messages_received": 2,
            "average_response_ms": 300.0,
            "ratings": 2,
            "average_rating": 3.5,
        }
    ]


def test_hourly_analytics_summary(store: Store, tenant: str) -> None:
    seen = [
        of("seen", f"4 0{hour}:{minute:02}", user) for hour, minute, user in ((9, 0, "ada"), (9, 59, "bo"), (8, 0, ""))
    ]
    tell(store, tenant, [*seen, of("read", "4 09:30", duration=120.0)])
    found = rows(store, tenant, "hourly_analytics_summary")
    assert [(row["hour"].hour, row["event_type"], row["event_count"], row["unique_users"]) for row in found] == [
        (9, "read", 1, 1),
        (9, "seen", 2, 2),
        (8, "seen", 1, 0),
    ]
    assert found[0]["duration_minutes"] == 2.0


def test_system_metrics(store: Store, tenant: str) -> None:
    def request(at: str, ms: Any, status: int = 200, user: str = "ada") -> dict[str, Any]:
        return of("api_request", at, user, {"latency_ms": ms, "endpoint": "/a", "method": "get", "status_code": status})

    tell(
        store,
        tenant,
        [
            *(request(f"4 09:{n:02}", n * 10) for n in range(1, 11)),
            request("4 09:30", 1000, 503, "bo"),
            of("api_request", "4 10:00", "", {"latency_ms": -1, "path": "/b"}),
            of("api_error", "4 10:01", "", {"error_type": "timeout", "endpoint": "/b"}),
            of("api_error", "4 10:02", "", {"error_type": "timeout"}),
            of("api_error", "4 10:03", "", {"status_code": 418}),
            of("page_view", "4 10:04", "cy"),
        ],
    )
    (found,) = rows(store, tenant, "system_metrics")
    assert found == {
        "hour": None,
        "total_requests": 12,
        # three errors and one request that failed
        "total_errors": 3,
        "error_rate": 0.25,
        "error_types": {"timeout": 2, "418": 1},
        # 10, 20 … 100 and 1000
        "average_ms": 1550 / 11,
        "p50_ms": 60.0,
        # places 9.5 and 9.9 of 10
        "p95_ms": 550.0,
        "p99_ms": found["p99_ms"],
        "top_endpoints": [
            {"endpoint": "GET /a", "requests": 11, "errors": 1, "error_rate": 1 / 11, "p95_ms": 550.0},
            {"endpoint": "/b", "requests": 1, "errors": 1, "error_rate": 1.0, "p95_ms": None},
        ],
        "active_users": 3,
    }
    assert abs(found["p99_ms"] - 910) < 1e-6
    ten, nine = rows(store, tenant, "system_metrics", by="hour")
    assert (ten["hour"].hour, ten["total_requests"], ten["p95_ms"]) == (10, 1, None)
    assert (nine["hour"].hour, nine["total_requests"], nine["error_rate"]) == (9, 11, 1 / 11)
