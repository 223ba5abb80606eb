"""Single conversations and their users, worked out by hand; and every edge that the guide names."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from rollbook.analyses.ask import ask
from rollbook.analyses.conversations.conversation_metrics import ConversationMetrics, MetricsOfConversation
from rollbook.analyses.conversations.conversation_sentiment import ConversationSentiment
from rollbook.analyses.conversations.user_behavior import UserBehavior
from rollbook.store import Store
from tests.analyses.conversations.talking import MORNING, brief, near, talk
from tests.stories import happened, tell

NOON = MORNING + timedelta(hours=2)


def metrics(store: Store, tenant: str, told: list[Any], **more: Any) -> list[MetricsOfConversation]:
    """What is told of conversations at noon."""
    tell(store, tenant, told)
    return ask(store, ConversationMetrics(**{"as_of": NOON} | more), tenant).rows


def only(store: Store, tenant: str, told: list[Any], **more: Any) -> MetricsOfConversation:
    """The one."""
    (row,) = metrics(store, tenant, told, **more)
    return row


def test_a_conversation_in_all_its_fields(store: Store, tenant: str) -> None:
    told = talk(
        "k",
        ("started", 0, {"user_segment": "pro"}),
        ("user", 10, {"intent": "greet"}),
        ("bot", 12, {"cost_cents": 0.25}),
        ("user", 20, {"intent": "refund"}),
        ("bot", 26, {"cost_cents": 0.5, "error": "tool failed"}),
        ("user", 40, {"intent": "refund"}),
        ("user", 45, {"intent": "greet"}),
        ("bot", 46),
        ("ai_feedback_rated", 50, {"rating": 4}),
        ("completed", 61, {"satisfaction_score": 0.25}),
        channel="web",
    )
    row = only(store, tenant, told)
    # responses: 2 s, 6 s, and 1 s after the last message of two; rated 4 of 5 (0.75) and 0.25
    assert row.model_dump() == {
        "conversation_id": "k", "tenant_id": tenant, "start_time": MORNING,
        "end_time": MORNING + timedelta(seconds=61), "duration_seconds": 61, "message_count": 7, "user_messages": 4,
        "bot_messages": 3, "intent_changes": 2, "unique_intents": ["greet", "refund"],
        "completion_status": "completed", "satisfaction_score": 0.5, "error_count": 1, "avg_response_time_ms": 3000.0,
        "total_cost_cents": 0.75, "channel": "web", "user_segment": "pro",
    }  # fmt: skip


def test_the_order_of_arrival_does_not_matter(store: Store, tenant: str) -> None:
    told = talk("k", ("completed", 60), ("bot", 21), ("started", 0), ("user", 20, {"intent": "a"}))
    row = only(store, tenant, told)
    assert (row.start_time, row.duration_seconds, row.avg_response_time_ms) == (MORNING, 60, 1000.0)


def test_without_a_start_the_first_message_is_it(store: Store, tenant: str) -> None:
    row = only(store, tenant, talk("k", ("bot", 5), ("user", 9), ("completed", 15)))
    assert (row.start_time, row.duration_seconds, row.avg_response_time_ms) == (
        MORNING + timedelta(seconds=5),
        10,
        None,
    )


@pytest.mark.parametrize(
    ("asked_after", "status", "seconds"), [(1859.999, "active", None), (1860, "abandoned", 60), (7200, "abandoned", 60)]
)
def test_without_an_end_silence_is_one(
    store: Store, tenant: str, asked_after: float, status: str, seconds: int | None
) -> None:
    told = talk("k", ("started", 0), ("user", 60), ("model.usage", 600))
    row = only(store, tenant, told, as_of=MORNING + timedelta(seconds=asked_after))
    assert (row.completion_status, row.duration_seconds) == (status, seconds)


def test_how_long_silence_takes_is_asked(store: Store, tenant: str) -> None:
    told = talk("k", ("user", 0))
    assert only(store, tenant, told, timeout_minutes=121).completion_status == "active"
    assert only(store, tenant, [], timeout_minutes=120).completion_status == "abandoned"


def test_a_coach_has_no_ends(store: Store, tenant: str) -> None:
    told = [
        happened("AI_MESSAGE_SENT", "ada", "2026-03-02T10:00", session="s1"),
        happened("AI_MESSAGE_RECEIVED", "ada", "2026-03-02T10:00:03", session="s1"),
        happened("AI_FEEDBACK_RATED", "ada", "2026-03-02T10:20", session="s1", properties='{"rating": true}'),
        happened("ai_message_sent", "bob", "2026-03-02T09:00"),
        happened("ai_message_sent", "bob", "2026-03-01T23:59:59"),
        happened("ai_message_sent", "", "2026-03-02T09:00"),
    ]
    rows = metrics(store, tenant, told)
    # without a conversation: by session; without either: a user's day; of nobody: none
    assert [(row.conversation_id, row.completion_status, row.duration_seconds) for row in rows] == [
        ("s1", "ended", 3),
        ("bob@2026-03-02", "ended", 0),
        ("bob@2026-03-01", "ended", 0),
    ]
    assert (rows[0].avg_response_time_ms, rows[0].satisfaction_score) == (3000.0, 1.0)


@pytest.mark.parametrize(
    ("ends", "status", "seconds"),
    [
        ((("abandoned", 10), ("completed", 30)), "completed", 30),
        ((("completed", 10), ("escalated", 30)), "escalated", 30),
        ((("escalated", 30), ("completed", 30), ("abandoned", 30)), "completed", 30),
        ((("completed", 20), ("user", 50), ("bot", 51)), "completed", 20),
    ],
)
def test_the_last_end_counts_and_messages_after_it_do_not_reopen(
    store: Store, tenant: str, ends: Any, status: str, seconds: int
) -> None:
    row = only(store, tenant, talk("k", ("user", 0), *ends))
    assert (row.completion_status, row.duration_seconds) == (status, seconds)
    assert row.message_count == 1 + sum(kind in ("user", "bot") for kind, _ in ends)


def test_in_the_same_millisecond_a_bot_answers_at_once(store: Store, tenant: str) -> None:
    row = only(store, tenant, talk("k", ("completed", 0), ("bot", 0), ("user", 0), ("started", 0)))
    assert (row.avg_response_time_ms, row.duration_seconds, row.completion_status) == (0.0, 0, "completed")


def test_a_role_says_who_speaks(store: Store, tenant: str) -> None:
    told = talk(
        "k", ("user", 0, {"role": "Assistant"}), ("bot", 1, {"role": "student"}), ("bot", 2, {"role": "system"})
    )
    row = only(store, tenant, told)
    assert (row.user_messages, row.bot_messages, row.avg_response_time_ms) == (1, 2, 1000.0)


@pytest.mark.parametrize(
    ("told", "satisfaction"),
    [
        ({"rating": 1}, 0.0), ({"rating": 5}, 1.0), ({"rating": "3"}, 0.5), ({"rating": 0}, None),
        ({"rating": 6}, None), ({"rating": False}, 0.0), ({"rating": "thumbs_up"}, 1.0), ({"helpful": True}, 1.0),
        ({"rating": [5]}, None), ({"satisfaction_score": 0.8, "rating": 1}, 0.8), ({"satisfaction_score": 80}, None),
    ],
)  # fmt: skip
def test_what_a_rating_is(store: Store, tenant: str, told: dict[str, Any], satisfaction: float | None) -> None:
    assert (
        only(store, tenant, talk("k", ("user", 0), ("ai_feedback_rated", 9, told))).satisfaction_score == satisfaction
    )


def test_what_only_mentions_a_conversation_is_none(store: Store, tenant: str) -> None:
    assert metrics(store, tenant, talk("k", ("model.usage", 0), ("ai_feedback_rated", 5, {"rating": 5}))) == []


def test_a_conversation_belongs_to_the_period_in_which_it_began(store: Store, tenant: str) -> None:
    early = talk("early", ("user", -60), ("bot", 5), ("completed", 60))
    rows = metrics(store, tenant, early + talk("k", ("user", 1)), days=1, as_of=MORNING + timedelta(days=1))
    assert [row.conversation_id for row in rows] == ["k"]


def test_two_users_share_a_conversation(store: Store, tenant: str) -> None:
    told = talk("k", ("user", 0), ("user", 5, {"user": "bob"}), ("bot", 6, {"user": ""}), ("completed", 60))
    tell(store, tenant, told + talk("other", ("user", 0), user="bob"))
    both = ask(store, UserBehavior(as_of=NOON), tenant).rows
    assert [(row.user_id, row.total_conversations, row.completed_conversations) for row in both] == [
        ("bob", 2, 1),
        ("ada", 1, 1),
    ]
    (ada,) = ask(store, ConversationMetrics(as_of=NOON, user="ada"), tenant).rows
    assert (ada.conversation_id, ada.message_count) == ("k", 1)


def test_how_a_user_talks(store: Store, tenant: str) -> None:
    told = [
        *brief("a", "refund", seconds=100, liked=0.2, at=MORNING - timedelta(days=20), channel="app"),
        *brief("b", "refund", "abandoned", seconds=200, at=MORNING - timedelta(days=12), channel="web"),
        *brief("c", "greet", seconds=300, liked=0.6, at=MORNING - timedelta(days=9), channel="web"),
        *brief("d", "refund", seconds=0, liked=1.0, at=MORNING - timedelta(days=9), channel="app"),
        happened("content_start", "ada", "2026-02-21T10:00", content="c1"),
    ]
    tell(store, tenant, told)
    (row,) = ask(store, UserBehavior(as_of=NOON, user="ada"), tenant).rows
    # away for 9 days (0.1), nothing of what was started is completed (0.3)
    assert row.model_dump() == {
        "user_id": "ada", "tenant_id": tenant, "period_start": datetime(2026, 1, 31, 12, 0, 0, 1000, tzinfo=UTC),
        "period_end": NOON, "total_conversations": 4, "completed_conversations": 3, "abandoned_conversations": 1,
        "avg_session_duration": 150.0, "preferred_channel": "app", "most_common_intents": ["refund", "greet"],
        "satisfaction_trend": near(0.6), "engagement_score": 0.0, "churn_risk": 0.4,
    }  # fmt: skip


def test_sentiment_along_a_conversation(store: Store, tenant: str) -> None:
    felt = talk(
        "k", ("user", 0, {"sentiment": -0.6}), ("bot", 1, {"sentiment": 1}), ("user", 2), ("user", 3, {"sentiment": 3}),
        ("user", 4, {"sentiment": -0.05}), ("user", 5, {"sentiment": 0.2}), ("completed", 6),
    )  # fmt: skip
    tell(store, tenant, felt + talk("silent", ("user", 0)))
    (row,) = ask(store, ConversationSentiment(as_of=NOON), tenant).rows
    assert (row.initial_sentiment, row.final_sentiment, row.trajectory) == (-0.6, 0.2, [-0.6, -0.05, 0.2])
    assert (row.change, row.direction, row.negative_ratio) == (near(0.8), "rising", near(2 / 3))
