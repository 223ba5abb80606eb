"""Oracles of the system that sends the events."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from statistics import fmean
from typing import Any

from rollbook.analyses.question import When
from tests.oracles.ground import Events, Oracle, Rows, ever, people
from tests.oracles.study import number, told


def quantile(values: list[float], share: float) -> float | None:
    """With interpolation between neighbours; the lowest is 0, the highest 1."""
    if not values:
        return None
    place = (len(values) - 1) * share
    low = int(place)
    high = min(low + 1, len(values) - 1)
    ordered = sorted(values)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def _latencies(events: Events) -> list[float]:
    found = [number(e, "latency_ms") for e in events if e["type"] == "api_request"]
    return [ms for ms in found if ms is not None and ms >= 0]


def _errors(events: Events) -> int:
    failed: int = sum(e["type"] == "api_request" and (number(e, "status_code") or 0) >= 500 for e in events)
    reported: int = sum(e["type"] == "api_error" for e in events)
    return max(failed, reported)


def _rate(errors: int, requests: int) -> float | None:
    return min(1.0, errors / requests) if requests else 1.0 if errors else None


def _endpoint(event: dict[str, Any]) -> str:
    where = told(event, "endpoint") or told(event, "path") or "unknown"
    return f"{(told(event, 'method') or '').upper()} {where}".strip()


def _row(events: Events, hour: datetime | None, top: int) -> dict[str, Any]:
    requests = [e for e in events if e["type"] == "api_request"]
    errors = [e for e in events if e["type"] == "api_error"]
    times = _latencies(events)
    used = Counter(map(_endpoint, requests))
    endpoints = sorted(used, key=lambda name: (-used[name], name))[:top]

    def use(name: str) -> dict[str, Any]:
        here = [e for e in (*requests, *errors) if _endpoint(e) == name]
        wrong, p95 = _errors(here), quantile(_latencies(here), 0.95)
        rate = _rate(wrong, used[name])
        return {"endpoint": name, "requests": used[name], "errors": wrong, "error_rate": rate, "p95_ms": p95}

    kinds = Counter(told(e, "error_type") or str(told(e, "status_code") or "unknown") for e in errors)
    return {
        "hour": hour,
        "total_requests": len(requests),
        "total_errors": _errors(events),
        "error_rate": _rate(_errors(events), len(requests)),
        "error_types": dict(kinds),
        "average_ms": fmean(times) if times else None,
        "p50_ms": quantile(times, 0.5),
        "p95_ms": quantile(times, 0.95),
        "p99_ms": quantile(times, 0.99),
        "top_endpoints": [use(name) for name in endpoints],
        "active_users": len(people(events)),
    }


def system_metrics(question: Any, events: Events, when: When) -> Rows:
    """The last hours, together or one by one."""
    seen = [e for e in ever(events, when) if e["timestamp"] > when.now - timedelta(hours=question.hours)]
    if question.by == "all":
        return [_row(seen, None, question.top)]
    hours: dict[datetime, Rows] = {}
    for event in seen:
        hour = event["timestamp"].astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        hours.setdefault(hour, []).append(event)
    return [_row(hours[hour], hour, question.top) for hour in sorted(hours, reverse=True)]


ORACLES: tuple[Oracle, ...] = (system_metrics,)
