"""Oracles of models' use and cost, and of the services behind the learning."""

import json
from collections import Counter, defaultdict
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from rollbook.analyses.question import When
from tests.oracles.ground import DAY, Events, Oracle, Rows, calendar, day_of, ever, local

WITHIN = {"anthropic": (False, True), "google": (True, False)}
DIMENSIONS = ("provider", "model", "operation", "hour", "conversation_type")


def model_usage(question: Any, events: Events, when: When) -> Rows:
    """Calls by what is told apart; there are no prices."""
    groups: dict[tuple[Any, ...], Rows] = defaultdict(list)
    for event in calendar(events, when, question.days):
        if said := usage(event):
            groups[kinds(said, question.by, hour=local(event["timestamp"], when).hour)].append(said)
    found = [dict(zip(DIMENSIONS, key, strict=True)) | spent(calls) | took(calls) for key, calls in groups.items()]
    # what is not told apart is so in every row
    told = [name for name in DIMENSIONS if name in question.by]
    return sorted(found, key=lambda row: (-row["calls"], *(row[name] for name in told)))


def model_costs(question: Any, events: Events, when: When) -> Rows:
    """The same by period."""
    groups: dict[tuple[Any, ...], Rows] = defaultdict(list)
    for event in calendar(events, when, question.days):
        if said := usage(event):
            groups[begin(day_of(event, when), question.unit), *kinds(said, question.by)].append(said)
    found = [dict(zip(("period", *DIMENSIONS), key, strict=True)) | spent(calls) for key, calls in groups.items()]
    found.sort(key=lambda row: (row["period"], *(row[name] or "" for name in DIMENSIONS)))
    return [{name: value for name, value in row.items() if name != "hour"} for row in found]


def usage(event: dict[str, Any]) -> dict[str, Any] | None:
    """What a model usage event says; None: it is none."""
    said = json.loads(event["properties"]) if event.get("properties") else {}
    return said if said.get("model_provider") else None


def begin(day: date, unit: str) -> date:
    """The first day of its period."""
    while not {
        "day": True,
        "week": day.isoweekday() == 1,
        "month": day.day == 1,
        "quarter": day.day == 1 and day.month in (1, 4, 7, 10),
    }[unit]:
        day -= timedelta(days=1)
    return day


def kinds(said: dict[str, Any], by: Any, hour: int | None = None) -> tuple[Any, ...]:
    """What is told apart of a call."""
    of = {
        "provider": said["model_provider"],
        "model": said["model_name"],
        "operation": said["operation"],
        "hour": hour,
        "conversation_type": said.get("conversation_type", ""),
    }
    return tuple(of[name] if name in by else None for name in DIMENSIONS)


def spent(calls: Rows) -> dict[str, Any]:
    """What calls used and cost."""
    tokens: Counter[str] = Counter()
    for said in calls:
        tokens["used"] += said["tokens_used"]
        if "input_tokens" not in said and "output_tokens" not in said:
            tokens["unsplit"] += said["tokens_used"]
            continue
        read, written = said.get("input_tokens", 0), said.get("output_tokens", 0)
        cached, thought = said.get("cached_tokens", 0), said.get("reasoning_tokens", 0)
        cached_within, thought_within = WITHIN.get(said["model_provider"], (True, True))
        tokens["input"] += max(read - cached, 0) if cached_within else read
        tokens["cached"] += cached
        tokens["output"] += max(written - thought, 0) if thought_within else written
        tokens["reasoning"] += thought
    costs = [Decimal(str(said["cost_cents"])) for said in calls if "cost_cents" in said]
    return {
        "calls": len(calls),
        "failures": sum(said["success"] is False for said in calls),
        "tokens_used": tokens["used"],
        **{f"{kind}_tokens": tokens[kind] for kind in ("input", "cached", "output", "reasoning", "unsplit")},
        "cost_cents": sum(costs) if costs else None,
        "calls_with_cost": len(costs),
        "calls_priced": 0,
        "calls_without_cost": len(calls) - len(costs),
        "unknown_models": sorted(
            {f"{said['model_provider']}/{said['model_name']}" for said in calls if "cost_cents" not in said}
        ),
    }


def took(calls: Rows) -> dict[str, Any]:
    """How long calls took."""
    values = [float(said["latency_ms"]) for said in calls]
    return {f"latency_p{n}_ms": percentile(values, n) for n in (50, 95, 99)}


def percentile(values: list[float], n: int) -> float | None:
    """Linear between the two values around it."""
    if not values:
        return None
    values, place = sorted(values), (len(values) - 1) * n / 100
    low = int(place)
    high = min(low + 1, len(values) - 1)
    return values[low] + (values[high] - values[low]) * (place - low)


def performance(question: Any, events: Events, when: When) -> Rows:
    """Each service in each stretch."""
    begin, length = when.now - question.hours * DAY / 24, timedelta(minutes=question.minutes)
    groups: dict[tuple[str, int], Rows] = defaultdict(list)
    for event in ever(events, when):
        said = json.loads(event.get("properties") or "{}")
        counts = event["type"] in ("api_request", "api_error") or said.get("metric_name") in NAMES
        if event["timestamp"] > begin and counts:
            service = said.get("service") or said.get("tags", {}).get("service") or event.get("source", "")
            stretch = int(event["timestamp"].timestamp() // length.total_seconds())
            groups[service, stretch].append(event | {"said": said})
    return [measured(*key, found) for key, found in sorted(groups.items())]


NAMES = {"cpu_usage", "cpu", "memory_usage", "memory", "active_connections"}


def measured(service: str, stretch: int, found: Rows) -> dict[str, Any]:
    """What is known of a service in a stretch."""
    requests = [event for event in found if event["type"] in ("api_request", "api_error")]
    errors = [e for e in requests if e["type"] == "api_error" or e["said"].get("status_code", 0) >= 500]
    durations = [e["said"].get("latency_ms", e["duration"] and e["duration"] * 1000) for e in requests]
    times = [float(took) for took in durations if took is not None]

    def samples(*names: str) -> list[float]:
        metrics = [event["said"] for event in found if event not in requests]
        return [said["metric_value"] for said in metrics if said["metric_name"] in names]

    cpu, memory = samples("cpu_usage", "cpu"), samples("memory_usage", "memory")
    connections = samples("active_connections")
    return {
        "service": service,
        "request_count": len(requests),
        "error_count": len(errors),
        "error_rate": len(errors) / len(requests) if requests else 0.0,
        **{f"latency_p{n}": percentile(times, n) for n in (50, 95, 99)},
        "cpu_usage": sum(cpu) / len(cpu) if cpu else None,
        "memory_usage": sum(memory) / len(memory) if memory else None,
        "active_connections": round(max(connections)) if connections else None,
    }


ORACLES: tuple[Oracle, ...] = (model_usage, model_costs, performance)
