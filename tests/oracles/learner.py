"""Oracles of single learners: the metrics of document 1."""

from fractions import Fraction
from typing import Any

from rollbook.analyses.question import When
from tests.oracles.ground import COMPLETIONS, DAY, STARTS, Events, Oracle, Rows, ever, last, of, people


def _content(event: dict[str, Any]) -> tuple[str, str]:
    if event["type"] == "course_complete" and event.get("course"):
        return "course", event["course"]
    return ("content", event["content"]) if event.get("content") else ("event", event["id"])


def _concept(event: dict[str, Any]) -> tuple[str, str]:
    return ("concept", event["concept"]) if event.get("concept") else _content(event)


def _points(events: Events) -> list[Fraction]:
    scores = [e["score"] for e in events if e["type"] == "quiz_completion" and e.get("score") is not None]
    return [min(max(Fraction(score), Fraction(0)), Fraction(100)) for score in scores]


def _mean(points: list[Fraction]) -> Fraction | None:
    return sum(points, Fraction(0)) / len(points) if points else None


def _completion(events: Events) -> Fraction | None:
    started = {_content(event) for event in events if event["type"] in STARTS | COMPLETIONS}
    completed = {_content(event) for event in events if event["type"] in COMPLETIONS}
    return Fraction(len(completed), len(started)) if started else None


def _engagement(events: Events, days: int) -> dict[str, Any]:
    sessions = sum(event["type"] == "session_start" for event in events)
    seconds = sum((Fraction(event.get("duration") or 0) for event in events), Fraction(0))
    completion, quizzes = _completion(events) or Fraction(0), (_mean(_points(events)) or Fraction(0)) / 100
    often, long = min(Fraction(1), Fraction(sessions, 2 * days)), min(Fraction(1), seconds / (1800 * days))
    return {
        "engagement_score": (3 * often + 3 * completion + 2 * quizzes + 2 * max(long, Fraction(0))) / 10,
        "session_count": sessions,
        "total_time_spent": seconds,
        "content_completion_rate": completion,
        "quiz_performance": quizzes,
    }


def _risk(events: Events, when: When) -> dict[str, Any]:
    if not events:
        return {"dropout_risk": None, "risk_level": "unknown"}
    away = when.now - max(event["timestamp"] for event in events)
    completion, points = _completion(events), _mean(_points(events))
    risk = 40 if away > 30 * DAY else 20 if away > 14 * DAY else 10 if away > 7 * DAY else 0
    if completion is not None:
        risk += 30 if completion < Fraction(3, 10) else 15 if completion < Fraction(1, 2) else 0
    if points is not None:
        risk += 30 if points < 40 else 15 if points < 60 else 0
    level = "high" if risk >= 70 else "medium" if risk >= 40 else "low"
    return {"dropout_risk": Fraction(risk, 100), "risk_level": level}


def _velocity(events: Events, days: int) -> Fraction:
    passed = {_concept(event) for event in events if any(points >= 70 for points in _points([event]))}
    return Fraction(len(passed), days)


def engagement(question: Any, events: Events, when: When) -> Rows:
    """The learner's engagement in the window."""
    mine = last(of(question.user, events), when, question.window)
    return [{"user_id": question.user, "time_window": f"{question.window}d"} | _engagement(mine, question.window)]


def learning_velocity(question: Any, events: Events, when: When) -> Rows:
    """Concepts the learner passed in the window."""
    speed = _velocity(last(of(question.user, events), when, question.days), question.days)
    return [
        {
            "user_id": question.user,
            "learning_velocity": speed,
            "concepts_mastered": speed * question.days,
            "window_days": question.days,
        }
    ]


def dropout_risk(question: Any, events: Events, when: When) -> Rows:
    """The rule, over everything the learner did."""
    mine = ever(of(question.user, events), when)
    points = _mean(_points(mine))
    return [
        {
            "user_id": question.user,
            "days_since_last_login": (when.now - max(e["timestamp"] for e in mine)) / DAY if mine else None,
            "completion_rate": _completion(mine),
            "quiz_performance": None if points is None else points / 100,
        }
        | _risk(mine, when)
    ]


def intervention(question: Any, events: Events, when: When) -> Rows:
    """Name and urgency of what the tree ends with; its words are compared in the stories."""
    mine = ever(of(question.user, events), when)
    recent = last(mine, when, question.window)
    risk, points = _risk(mine, when)["dropout_risk"], _mean(_points(recent))
    if risk is not None and risk > Fraction(7, 10):
        chosen, priority = "tutoring", "high"
    elif _engagement(recent, question.window)["engagement_score"] < Fraction(3, 10):
        chosen, priority = "engagement_boost", "high"
    elif points is not None and points < 50:
        chosen, priority = "additional_practice", "medium"
    else:
        chosen, priority = "none", "low"
    return [{"user_id": question.user, "intervention": chosen, "priority": priority}]


def learner_metrics(question: Any, events: Events, when: When) -> Rows:
    """Engagement, risk and velocity side by side."""
    return [_metrics(question.user, question, events, when)]


def _metrics(user: str, question: Any, events: Events, when: When) -> dict[str, Any]:
    mine = ever(of(user, events), when)
    return {
        "user_id": user,
        "engagement": _engagement(last(mine, when, question.window), question.window),
        "learning_velocity": _velocity(last(mine, when, question.days), question.days),
    } | _risk(mine, when)


def learners(question: Any, events: Events, when: When) -> Rows:
    """The metrics of everyone ever seen (all of them in one part)."""
    everyone = sorted(people(ever(events, when)), key=str.encode)
    return [_metrics(user, question, events, when) for user in everyone]


def timeline(question: Any, events: Events, when: When) -> Rows:
    """The learner's newest events."""
    mine = sorted(ever(of(question.user, events), when), key=lambda e: (e["timestamp"], e["id"]), reverse=True)
    return [
        {"event_id": event["id"], "event_type": event["type"], "timestamp": event["timestamp"]}
        for event in mine[: question.limit]
    ]


ORACLES: tuple[Oracle, ...] = (
    engagement,
    learning_velocity,
    dropout_risk,
    intervention,
    learner_metrics,
    learners,
    timeline,
)
