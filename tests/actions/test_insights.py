"""Insights: stories in which something is worth knowing, and some in which nothing is."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from rollbook.actions.insights import InsightReport, Options, ReportRange, report
from rollbook.actions.insights.insight import TYPES, InsightType
from rollbook.governance.grants import Grant
from rollbook.store import Store, counters
from tests.analyses.conversations.talking import brief
from tests.analyses.costs.test_costs import call, price
from tests.delivery.serving import serve
from tests.stories import happened, tell

START, END = datetime(2026, 3, 15, tzinfo=UTC), datetime(2026, 3, 29, tzinfo=UTC) - timedelta(milliseconds=1)
DAY = timedelta(days=1)


def told(
    store: Store, tenant: str, *types: InsightType, grant: Grant | None = None, sure: float = 0.9
) -> InsightReport:
    """The report over the two weeks."""
    period = ReportRange(start=START, end=END)
    return report(store, grant or Grant(tenant), period, types or TYPES, options=Options(confidence_threshold=sure))


def visits(first: datetime, days: int, people: int) -> list[dict[str, Any]]:
    """So many people each day; one more every third day, so that days differ."""
    return [
        happened("seen", f"u{n}", first + day * DAY + timedelta(hours=9, minutes=n % 60))
        for day in range(days)
        for n in range(people + (day % 3 == 0))
    ]


def test_nothing_is_said_of_nothing_and_why(store: Store, tenant: str) -> None:
    found = told(store, tenant)
    assert (found.insights, found.recommendations, found.summary.total_insights) == ([], [], 0)
    assert set(found.insufficient_data) == set(TYPES) == set(found.confidence_scores)
    assert set(found.confidence_scores.values()) == {0.0}
    assert "fewer than 20 calls" in found.insufficient_data["cost_optimization"]


def test_fewer_people_come(store: Store, tenant: str) -> None:
    tell(store, tenant, visits(START - 14 * DAY, 14, 60) + visits(START, 14, 36))
    found = told(store, tenant, "user_behavior")
    fewer, peak = found.insights
    assert fewer.title == "Fewer people come: down 40%"
    assert (fewer.impact, fewer.type) == ("high", "user_behavior")
    # 60 people on two days of three and 61 on the third: 60.36 over 14 days, and 36.36
    assert fewer.supporting_data["mean_dau"] == pytest.approx(36 + 5 / 14)
    assert fewer.supporting_data["mean_dau_before"] == pytest.approx(60 + 5 / 14)
    assert fewer.confidence > 0.99
    # the weeks before those had nobody, so there is nothing to compare the share of returning people with
    assert peak.title.startswith("100% of everything happens from")


def test_people_do_not_come_back(store: Store, tenant: str) -> None:
    tell(store, tenant, [happened("seen", f"u{n}", START - 20 * DAY) for n in range(100)])
    tell(store, tenant, [happened("seen", f"u{n}", START - 10 * DAY) for n in range(90)])
    tell(store, tenant, [happened("seen", f"u{n}", START + DAY) for n in range(45)])
    found = told(store, tenant, "user_behavior").insights
    assert [one.title for one in found] == ["Fewer people come back: 50% instead of 90%"]
    assert found[0].confidence == 0.999
    assert found[0].recommendations == ["Find out who stays away, and reach them"]


def requests(first: datetime, failed: int, latency: int) -> list[dict[str, Any]]:
    """Two hundred requests over two weeks, so many of which fail."""
    return [
        happened(
            "api_error" if n < failed else "api_request",
            "",
            first + timedelta(hours=n),
            source="chat",
            properties=json.dumps({"latency_ms": latency + n % 7}),
        )
        for n in range(200)
    ]


def test_chat_fails_more_often_and_answers_more_slowly(store: Store, tenant: str) -> None:
    tell(store, tenant, requests(START - 14 * DAY, 2, 100) + requests(START, 30, 200))
    errors, latency = told(store, tenant, "performance_trends").insights
    assert (errors.title, errors.impact) == ("chat fails more often: 15.00% instead of 1.00%", "critical")
    assert latency.title.startswith("chat answers more slowly: p95 up 9")
    assert told(store, tenant, "performance_trends", sure=1.0).insights == []


def test_a_cheaper_model_would_do(store: Store, tenant: str) -> None:
    calls = [call("2026-03-20T10:00", tokens_used=10, model_name="large", cost_cents=1) for _ in range(100)]
    calls += [call("2026-03-20T10:00", tokens_used=10, model_name="small", cost_cents=0.1) for _ in range(400)]
    calls += [call("2026-03-20T10:00", tokens_used=10, model_name="new") for _ in range(5)]
    tell(store, tenant, calls)
    found = told(store, tenant, "cost_optimization")
    cheaper, unknown = found.insights
    assert cheaper.title == "chat: small costs 0.1 cents a call, large 1"
    # a hundred calls at 0.9 cents less: 90 of 140 cents
    assert (cheaper.supporting_data["saving_cents"], cheaper.impact) == ("90", "high")
    assert cheaper.supporting_data["share_of_costs"] == pytest.approx(90 / 140)
    assert cheaper.confidence == pytest.approx(0.9)
    assert unknown.title == "What 5 of 505 calls cost is not known"
    assert [(one.priority, one.title) for one in found.recommendations] == [
        (2, "Send part of chat to small"),
        (4, "Add prices"),
    ]
    assert found.summary.by_impact == {"high": 1, "low": 1}
    assert found.confidence_scores["cost_optimization"] == pytest.approx(0.95)
    price(store, tenant, "2026-03-01T00:00", model="new", input_rate="1")
    assert len(told(store, tenant, "cost_optimization").insights) == 1


def test_the_last_day_was_unlike_the_others(store: Store, tenant: str) -> None:
    tell(store, tenant, visits(END - 28 * DAY, 27, 10))
    tell(store, tenant, visits(END - timedelta(hours=12), 1, 100))
    titles = [one.title for one in told(store, tenant, "anomaly").insights]
    assert "Unusually many events: 101" in titles


def test_people_give_up_at_one_intent(store: Store, tenant: str) -> None:
    talks = [("refund", "abandoned", 40), ("refund", "completed", 20), ("greet", "completed", 60)]
    events = [
        event
        for intent, end, number in talks
        for n in range(number)
        for event in brief(f"{intent}-{end}-{n}", intent, end, user=f"u{n}", at=START + 5 * DAY + timedelta(hours=9))
    ]
    tell(store, tenant, events)
    found = {one.title: one for one in told(store, tenant, "conversation_patterns").insights}
    dropped = found["Most give up at refund: 40 of 60"]
    # at greet it is 0 of 60: z = (2/3) / sqrt(1/3 x 2/3 x 2/60) = 7.75
    assert (dropped.impact, dropped.confidence) == ("high", 0.999)
    assert "Most conversations begin from 09:00 on" in found
    few = told(store, f"{tenant}-few", "conversation_patterns")
    assert "patterns need 100" in few.insufficient_data["conversation_patterns"]


def test_what_was_refused_is_told_to_those_who_see_all(store: Store, tenant: str) -> None:
    minute = START + DAY
    counts = {(tenant, minute, "native", "accepted"): 900, (tenant, minute, "native", "rejected"): 100}
    counters.add(store.engine, counts, minute)
    found = told(store, tenant, "quality_metrics").insights
    assert [one.title for one in found] == ["10.0% of the events that came in were refused"]
    blind = told(store, tenant, "quality_metrics", grant=Grant(tenant, cells=True))
    assert (blind.insights, "quality_metrics" in blind.insufficient_data) == ([], True)


def test_over_http_in_document_5s_model(store: Store, tenant: str) -> None:
    tell(store, tenant, [call("2026-03-20T10:00", tokens_used=10) for _ in range(30)])
    body = {
        "time_range": {"start": START.isoformat(), "end": END.isoformat(), "timezone": "UTC"},
        "insight_types": ["cost_optimization", "predictive"],
        "options": {"include_recommendations": False},
    }
    posted = serve(store).post("/api/v2/insights", params={"tenant_id": tenant}, json=body)
    assert posted.status_code == 200, posted.text
    found = posted.json()
    assert set(found) == {
        "report_id", "tenant_id", "time_range", "insights", "summary", "recommendations", "confidence_scores",
        "insufficient_data", "generated_at",
    }  # fmt: skip
    assert set(found["insights"][0]) == {
        "insight_id", "type", "title", "description", "impact", "confidence", "supporting_data", "recommendations",
        "tags", "created_at",
    }  # fmt: skip
    assert (found["insights"][0]["title"], found["recommendations"]) == ("What 30 of 30 calls cost is not known", [])
    given = {"tenant_id": tenant, "start": "2026-03-15", "end": "2026-03-28", "types": "COST_OPTIMIZATION"}
    got = serve(store).get("/api/v2/insights", params=given).json()
    assert [one["title"] for one in got["insights"]] == [one["title"] for one in found["insights"]]
    assert set(got["confidence_scores"]) == {"cost_optimization"}
    assert got["recommendations"][0]["title"] == "Add prices"


@pytest.mark.parametrize(
    "wrong",
    [
        {"types": "wisdom"},
        {"start": "2026-03-28", "end": "2026-03-01"},
        {"start": "2020-03-28", "end": "2026-03-01"},
        {"confidence_threshold": 2},
    ],
)
def test_what_cannot_be_reported_is_refused(store: Store, tenant: str, wrong: dict[str, Any]) -> None:
    assert serve(store).get("/api/v2/insights", params={"tenant_id": tenant} | wrong).status_code == 422
