"""Costs: the use of models, and the services behind the learning."""

import json
from datetime import datetime
from typing import Any

from hypothesis import strategies as st

from tests.analyses.subjects.subject import Strategies, Subject
from tests.analyses.worlds import DAYS, USERS, World, moments
from tests.stories import happened

TOKENS = st.sampled_from((0, 1, 7, 100, 10**9))
METRICS = ("cpu_usage", "cpu", "memory", "active_connections", "queue_length")


@st.composite
def some_call(draw: st.DrawFn) -> dict[str, Any]:
    """What a model usage event says."""
    more = {
        "input_tokens": TOKENS,
        "output_tokens": TOKENS,
        "cached_tokens": TOKENS,
        "reasoning_tokens": TOKENS,
        "conversation_type": st.sampled_from(("", "tutoring")),
        "cost_cents": st.sampled_from((0, 0.1, 0.2, 1e-7, 12.25, 1234567.891)),
    }
    return draw(
        st.fixed_dictionaries(
            {
                "model_provider": st.sampled_from(("acme", "anthropic", "google")),
                "model_name": st.sampled_from(("small", "large")),
                "operation": st.sampled_from(("chat", "embed")),
                "tokens_used": TOKENS,
                "latency_ms": st.sampled_from((0, 5, 900, 1250.5)),
                "success": st.booleans(),
            },
            optional=more,
        )
    )


@st.composite
def some_work(draw: st.DrawFn, anchor: datetime, now: datetime, zone: str) -> dict[str, Any]:
    """A call of a model, a request, a sample of a metric, or something else that names one."""
    said: dict[str, Any]
    type = draw(st.sampled_from(("model.usage", "called", "api_request", "api_error", "cpu", "note")))
    if type in ("model.usage", "called"):
        said = draw(some_call())
    elif type.startswith("api"):
        said = draw(
            st.fixed_dictionaries(
                {},
                optional={
                    "service": st.sampled_from(("chat", "")),
                    "status_code": st.sampled_from((200, 404, 500, 503)),
                    "latency_ms": st.sampled_from((0, 12, 250.5)),
                },
            )
        )
    elif type == "cpu":
        said = {
            "metric_name": draw(st.sampled_from(METRICS)),
            "metric_value": draw(st.sampled_from((0.0, 0.25, 17.0))),
            "tags": draw(st.sampled_from(({}, {"service": "chat"}))),
        }
    else:
        # names them, and is none
        said = {"more": {"model_provider": "acme", "metric_name": "x"}}
    return happened(
        type,
        draw(st.sampled_from(USERS)),
        draw(moments(anchor, now, zone)),
        course=draw(st.sampled_from(("", "c1"))),
        source=draw(st.sampled_from(("", "chat", "web"))),
        duration=draw(st.sampled_from((None, 0.5))),
        properties=json.dumps(said),
    )


def _usage(world: World) -> Strategies:
    by = st.lists(st.sampled_from(("provider", "model", "operation", "hour", "conversation_type")), unique=True)
    return {"days": DAYS, "by": by}


def _costs(world: World) -> Strategies:
    by = st.lists(st.sampled_from(("provider", "model", "operation", "conversation_type")), unique=True)
    return {"days": DAYS, "by": by, "unit": st.sampled_from(("day", "week", "month", "quarter"))}


def _performance(world: World) -> Strategies:
    return {"hours": st.sampled_from((1, 24, 24 * 30)), "minutes": st.sampled_from((1, 60, 1440))}


def _story(user: str) -> list[dict[str, Any]]:
    called = {"model_provider": "acme", "model_name": "small", "operation": "chat", "success": True, "latency_ms": 5}
    return [
        happened("model.usage", user, "2026-03-02T10:00", properties=json.dumps(called | {"tokens_used": 9})),
        happened("api_request", user, "2026-03-06T10:00", properties='{"latency_ms": 12}'),
        happened("api_request", user, "2026-03-03T10:00", properties='{"latency_ms": 9}'),
    ]


SUBJECT = Subject(
    parameters={"model_usage": _usage, "model_costs": _costs, "performance": _performance},
    happens=some_work,
    story=_story,
)
