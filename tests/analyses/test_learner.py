"""Stories of one learner: engagement, velocity, dropout risk, intervention, metrics, timeline."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from rollbook.analyses.ask import ask
from rollbook.analyses.learner.dropout_risk import DropoutRisk
from rollbook.analyses.learner.engagement import Engagement
from rollbook.analyses.learner.intervention import Intervention
from rollbook.analyses.learner.learner_metrics import LearnerMetrics
from rollbook.analyses.learner.learners import Learners
from rollbook.analyses.learner.learning_velocity import LearningVelocity
from rollbook.analyses.learner.timeline import Timeline
from rollbook.store import Store
from tests.stories import happened, tell

NOW = datetime(2026, 3, 31, 12, tzinfo=UTC)


def ago(type: str, days: float, user: str = "ada", **more: Any) -> dict[str, Any]:
    """Something that happened so many days before now."""
    return happened(type, user, NOW - timedelta(days=days), **more)


def row(store: Store, tenant: str, question: Any) -> dict[str, Any]:
    """The one row of the answer."""
    (only,) = ask(store, question, tenant).rows
    return only.model_dump()  # type: ignore[no-any-return]


def risk(store: Store, tenant: str) -> tuple[float | None, str]:
    """Ada's."""
    found = row(store, tenant, DropoutRisk(user="ada", as_of=NOW))
    return found["dropout_risk"], found["risk_level"]


def test_engagement(store: Store, tenant: str) -> None:
    # 7 sessions of 14 expected: 0.5; 1 of 2 contents: 0.5; quizzes (70 + 90) / 2: 0.8; 3150 of 12600 seconds: 0.25
    story = [ago("session_start", n, duration=150.0) for n in range(7)]
    story += [ago("content_view", 1, content="a"), ago("content_view", 2, content="a", duration=2100.0)]
    story += [ago("video_play", 1, content="b"), ago("completion", 1, content="b")]
    story += [ago("quiz_completion", 1, score=70.0), ago("quiz_completion", 2, score=90.0), ago("quiz_completion", 3)]
    story += [ago("session_start", 7), ago("session_start", 1, "bob"), ago("session_start", -0.001)]
    tell(store, tenant, story)
    assert row(store, tenant, Engagement(user="ada", as_of=NOW)) == {
        "user_id": "ada",
        "engagement_score": 0.51,  # 0.3 * 0.5 + 0.3 * 0.5 + 0.2 * 0.8 + 0.2 * 0.25
        "session_count": 7,
        "total_time_spent": 3150.0,
        "content_completion_rate": 0.5,
        "quiz_performance": 0.8,
        "time_window": "7d",
    }


def test_every_part_of_engagement_is_at_most_one(store: Store, tenant: str) -> None:
    story = [ago("session_start", 0.1, duration=90_000.0) for _ in range(30)]
    tell(store, tenant, [*story, ago("completion", 0.1), ago("quiz_completion", 0.1, score=1000.0)])
    found = row(store, tenant, Engagement(user="ada", window="1d", as_of=NOW))
    assert found["engagement_score"] == 1.0
    assert found["quiz_performance"] == 1.0


def test_someone_without_events_has_zeros(store: Store, tenant: str) -> None:
    found = row(store, tenant, Engagement(user="nobody", window="30d"))
    assert found.pop("user_id") == "nobody"
    assert found.pop("time_window") == "30d"
    assert set(found.values()) == {0}


@pytest.mark.parametrize(
    ("story", "rate"),
    [
        ([("content_view", {"content": "a"}), ("content_completion", {"content": "a"})], 1.0),
        ([("content_view", {}), ("completion", {})], 0.5),  # without ids each event is a content of its own
        ([("material_view", {"content": "a"})] * 3 + [("content_start", {"content": "b"})], 0.0),
        ([("material_complete", {"content": "a"})] * 2, 1.0),
        ([("course_complete", {"course": "a", "content": "x"}), ("content_view", {"content": "a"})], 0.5),
        ([("course_complete", {"course": "a"})] * 2 + [("course_complete", {"course": "b"})], 1.0),
        ([("content_view", {"content": "a", "course": "m"}), ("completion", {"content": "a", "course": "n"})], 1.0),
        ([("page_view", {"content": "a"}), ("quiz_completion", {"content": "a"})], 0.0),
    ],
)
def test_completed_over_started(store: Store, tenant: str, story: list[tuple[str, Any]], rate: float) -> None:
    tell(store, tenant, [ago(type, 1, **more) for type, more in story])
    assert row(store, tenant, Engagement(user="ada", as_of=NOW))["content_completion_rate"] == rate


def test_learning_velocity(store: Store, tenant: str) -> None:
    story = [
        ago("quiz_completion", 1, concept="fractions", score=70.0),
        ago("quiz_completion", 2, concept="fractions", score=95.0),  # mastered already
        ago("quiz_completion", 2, concept="decimals", score=69.9),
        ago("quiz_completion", 3, content="unit 1", score=80.0),  # no concept: the content
        ago("quiz_completion", 3, content="unit 1", concept="ratios", score=80.0),
        ago("quiz_completion", 4, score=100.0),  # neither: the quiz itself
        ago("quiz_completion", 4, score=100.0),
        ago("quiz_completion", 7, concept="angles", score=100.0),  # 7 x 24 hours old: out
        ago("content_completion", 1, concept="circles", score=100.0),
    ]
    tell(store, tenant, story)
    found = row(store, tenant, LearningVelocity(user="ada", days=5, as_of=NOW))
    assert found == {"user_id": "ada", "learning_velocity": 1.0, "concepts_mastered": 5, "window_days": 5}
    assert row(store, tenant, LearningVelocity(user="ada", as_of=NOW))["learning_velocity"] == pytest.approx(5 / 7)
    assert row(store, tenant, LearningVelocity(user="ada", days=8, as_of=NOW))["concepts_mastered"] == 6


@pytest.mark.parametrize(
    ("days", "expected"),
    [(0, 0.0), (7, 0.0), (7.01, 0.1), (14, 0.1), (14.01, 0.2), (30, 0.2), (30.01, 0.4), (400, 0.4)],
)
def test_risk_grows_with_absence(store: Store, tenant: str, days: float, expected: float) -> None:
    tell(store, tenant, [ago("page_view", days), ago("page_view", days + 1), ago("page_view", 0, "bob")])
    assert risk(store, tenant)[0] == expected
    found = row(store, tenant, DropoutRisk(user="ada", as_of=NOW))
    assert found["days_since_last_login"] == pytest.approx(days, abs=1e-6)
    assert found["completion_rate"] is None
    assert found["quiz_performance"] is None


@pytest.mark.parametrize(("completed", "expected"), [(2, 0.3), (3, 0.15), (4, 0.15), (5, 0.0)])
def test_risk_grows_with_what_is_left_unfinished(store: Store, tenant: str, completed: int, expected: float) -> None:
    story = [ago("content_view", 1, content=f"c{n}") for n in range(10)]
    tell(store, tenant, story + [ago("completion", 1, content=f"c{n}") for n in range(completed)])
    assert risk(store, tenant)[0] == expected


@pytest.mark.parametrize(("score", "expected"), [(0, 0.3), (39.9, 0.3), (40, 0.15), (59.9, 0.15), (60, 0.0)])
def test_risk_grows_with_poor_quizzes(store: Store, tenant: str, score: float, expected: float) -> None:
    tell(store, tenant, [ago("quiz_completion", 1, score=float(score))])
    assert risk(store, tenant)[0] == expected


def test_risk_is_added_up_without_rounding_errors(store: Store, tenant: str) -> None:
    # 0.4 + 0.15 + 0.15 is 0.7: high, but not over 0.7, so that no tutoring follows
    story = [ago("content_view", 31, content=c) for c in "abc"] + [ago("completion", 31, content="a")]
    tell(store, tenant, [*story, ago("quiz_completion", 31, score=50.0)])
    assert risk(store, tenant) == (0.7, "high")
    assert row(store, tenant, Intervention(user="ada", as_of=NOW))["intervention"] == "engagement_boost"


def test_risk_reaches_one(store: Store, tenant: str) -> None:
    tell(store, tenant, [ago("content_view", 31, content="a"), ago("quiz_completion", 40, score=0.0)])
    assert risk(store, tenant) == (1.0, "high")


def test_the_levels_of_risk(store: Store, tenant: str) -> None:
    assert risk(store, tenant) == (None, "unknown")
    tell(store, tenant, [ago("page_view", 31)])
    assert risk(store, tenant) == (0.4, "medium")
    tell(store, tenant, [ago("page_view", 15)])
    assert risk(store, tenant) == (0.2, "low")


def test_tutoring_comes_first(store: Store, tenant: str) -> None:
    tell(store, tenant, [ago("content_view", 15), ago("quiz_completion", 15, score=10.0)])
    assert row(store, tenant, Intervention(user="ada", as_of=NOW)) == {
        "user_id": "ada",
        "intervention": "tutoring",
        "priority": "high",
        "reason": "High dropout risk (0.80)",
        "actions": [
            "Schedule 1-on-1 tutoring session",
            "Provide personalized learning path",
            "Check for external barriers",
        ],
    }


def test_then_engagement(store: Store, tenant: str) -> None:
    tell(store, tenant, [ago("session_start", 1)])  # one of 14 sessions: 0.3 / 14
    assert row(store, tenant, Intervention(user="ada", as_of=NOW)) == {
        "user_id": "ada",
        "intervention": "engagement_boost",
        "priority": "high",
        "reason": "Low engagement (0.02)",
        "actions": ["Send motivational message", "Suggest interactive content", "Offer gamification rewards"],
    }


def test_then_practice(store: Store, tenant: str) -> None:
    tell(store, tenant, [ago("completion", 1), ago("quiz_completion", 1, score=49.0)])  # engaged: 0.3 + 0.2 * 0.49
    assert row(store, tenant, Intervention(user="ada", as_of=NOW)) == {
        "user_id": "ada",
        "intervention": "additional_practice",
        "priority": "medium",
        "reason": "Low quiz performance (0.49)",
        "actions": ["Provide practice exercises", "Offer concept review materials", "Recommend prerequisite topics"],
    }


def test_else_nothing(store: Store, tenant: str) -> None:
    tell(store, tenant, [ago("completion", 1)])  # engagement is 0.3 exactly, and there are no quizzes to practise for
    assert row(store, tenant, Intervention(user="ada", as_of=NOW)) == {
        "user_id": "ada",
        "intervention": "none",
        "priority": "low",
        "reason": "Performance within normal range",
        "actions": [],
    }


def test_learner_metrics_are_those_of_the_single_questions(store: Store, tenant: str) -> None:
    story = [ago("session_start", n, user, duration=100.0) for n in range(12) for user in ("ada", "bob")]
    story += [
        ago("content_view", 9, content="a"),
        ago("completion", 8, content="a"),
        ago("content_view", 1, content="b"),
    ]
    tell(
        store,
        tenant,
        [*story, ago("quiz_completion", 9, score=75.0, concept="k"), ago("quiz_completion", 1, score=30.0)],
    )
    found = row(store, tenant, LearnerMetrics(user="ada", window="10d", days=20, as_of=NOW))
    alone = row(store, tenant, Engagement(user="ada", window="10d", as_of=NOW))
    assert found["engagement"] == {name: alone[name] for name in found["engagement"]}
    assert found["engagement"]["session_count"] == 10
    assert (found["dropout_risk"], found["risk_level"]) == risk(store, tenant) == (0.15, "low")
    assert found["learning_velocity"] == 0.05
    ada, _ = ask(store, Learners(window="10d", days=20, as_of=NOW), tenant).rows
    assert ada.model_dump() == found


def test_the_timeline_is_newest_first(store: Store, tenant: str) -> None:
    told = [
        happened("a", at="2026-03-30T10:00", id="1", properties='{"page": 3}'),
        happened("b", at="2026-03-30T11:00", id="2", session="s", course="c", content="x", concept="k", score=5.0),
        happened("c", at="2026-03-30T11:00", id="3", duration=1.5),
        happened("d", at="2026-03-30T12:00", id="4", user="bob"),
        happened("e", at="2026-04-01T12:00", id="5"),
    ]
    tell(store, tenant, told)
    rows = ask(store, Timeline(user="ada", as_of=NOW), tenant).rows
    assert [r.event_id for r in rows] == ["3", "2", "1"]
    assert rows[1].model_dump() == {
        "event_id": "2",
        "event_type": "b",
        "timestamp": datetime(2026, 3, 30, 11, tzinfo=UTC),
        "session_id": "s",
        "course_id": "c",
        "content_id": "x",
        "concept_id": "k",
        "score": 5.0,
        "duration": None,
        "properties": {},
    }
    assert rows[2].properties == {"page": 3}
    assert [r.event_id for r in ask(store, Timeline(user="ada", limit=1, as_of=NOW), tenant).rows] == ["3"]


@pytest.mark.parametrize("parts", [1, 2, 3, 7])
def test_everyone_is_in_one_part(store: Store, tenant: str, parts: int) -> None:
    tell(store, tenant, [happened("page_view", f"learner-{number}", "2026-03-02T10:00") for number in range(40)])
    each = [Learners(part=part, parts=parts, as_of=NOW) for part in range(parts + 1)]
    found = [[row.user_id for row in ask(store, one, tenant).rows] for one in each]
    assert sorted(user for part in found for user in part) == sorted(f"learner-{number}" for number in range(40))
    assert found[-1] == []
    assert parts == 1 or max(map(len, found)) < 40
