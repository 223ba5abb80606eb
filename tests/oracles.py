"""Oracles: every question answered a second time, by brute force over a list of events, straight from its definition.

An oracle takes the question, all events of one tenant (as dicts, see stories.py) and the moment and zone it is asked
for; it gives the rows as plain values. Nothing here is fast, and nothing is shared with the package but the forms.
"""

import statistics
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from rollbook.analyses.question import When

Events = Sequence[dict[str, Any]]
Rows = list[dict[str, Any]]
Oracle = Callable[[Any, Events, When], Rows]

DAY = timedelta(days=1)
STARTS = {"content_view", "content_start", "material_view", "video_play"}
COMPLETIONS = {"content_completion", "completion", "material_complete", "course_complete"}


def day_of(event: dict[str, Any], when: When) -> date:
    """The calendar day on which it happened."""
    return _local(event["timestamp"], when).date()


def _local(moment: datetime, when: When) -> datetime:
    return moment.astimezone(ZoneInfo(when.zone))


def _today(when: When) -> date:
    return _local(when.now, when).date()


def _ever(events: Events, when: When) -> Rows:
    return [event for event in events if event["timestamp"] <= when.now]


def _last(events: Events, when: When, days: int) -> Rows:
    return [event for event in _ever(events, when) if event["timestamp"] > when.now - days * DAY]


def _calendar(events: Events, when: When, days: int) -> Rows:
    return [event for event in _ever(events, when) if day_of(event, when) > _today(when) - days * DAY]


def _people(events: Events) -> set[str]:
    return {event["user"] for event in events} - {""}


def _days(when: When, days: int) -> list[date]:
    return [_today(when) - n * DAY for n in reversed(range(days))]


def totals(question: Any, events: Events, when: When) -> Rows:
    """Counts over the period."""
    seen = _ever(events, when) if question.days is None else _last(events, when, question.days)
    days = [day_of(event, when) for event in seen]
    return [
        {
            "events": len(seen),
            "people": len(_people(seen)),
            "sessions": sum(event["type"] == "session_start" for event in seen),
            "seconds": sum(event.get("duration") or 0 for event in seen),
            "first": min(days, default=None),
            "last": max(days, default=None),
        }
    ]


def active_users(question: Any, events: Events, when: When) -> Rows:
    """For each day shown, the people of the days that end with it."""
    by_day: dict[date, set[str]] = {}
    for event in _ever(events, when):
        by_day.setdefault(day_of(event, when), set()).update({event["user"]} - {""})

    def people(last: date, days: int) -> int:
        return len(set().union(*(by_day.get(last - n * DAY, set()) for n in range(days))))

    return [
        {
            "day": day,
            "dau": people(day, 1),
            "wau": people(day, 7),
            "mau": people(day, 30),
            "stickiness": people(day, 1) / people(day, 30) if people(day, 30) else None,
        }
        for day in _days(when, question.days)
    ]


def events_by_day(question: Any, events: Events, when: When) -> Rows:
    """Events of each day shown."""
    counted = Counter(day_of(event, when) for event in _ever(events, when))
    return [{"day": day, "events": counted[day]} for day in _days(when, question.days)]


def event_distribution(question: Any, events: Events, when: When) -> Rows:
    """Events of each type, the most frequent first."""
    counted = Counter(event["type"] for event in _last(events, when, question.days))
    return [{"type": kind, "events": n} for kind, n in sorted(counted.items(), key=lambda item: (-item[1], item[0]))]


def activity_heatmap(question: Any, events: Events, when: When) -> Rows:
    """Events of each hour on the clocks of the zone."""
    moments = [_local(event["timestamp"], when) for event in _calendar(events, when, question.days)]
    counted = Counter((moment.isoweekday(), moment.hour) for moment in moments)
    return [
        {"weekday": weekday, "hour": hour, "events": counted[weekday, hour]}
        for weekday in range(1, 8)
        for hour in range(24)
    ]


def retention(question: Any, events: Events, when: When) -> Rows:
    """Who of the cohort was active in the period."""
    cohort = _people(_ever(events, when)) if question.users is None else set(question.users) - {""}
    active = _people(_last(events, when, question.period)) & cohort
    return [
        {
            "period_days": question.period,
            "retention_rate": len(active) / len(cohort) if cohort else 0.0,
            "cohort_size": len(cohort),
            "active_users": len(active),
        }
    ]


def retention_periods(question: Any, events: Events, when: When) -> Rows:
    """Retention for each period."""
    cohort = _people(_ever(events, when))
    active = [len(_people(_last(events, when, period))) for period in question.periods]
    return [
        {
            "period_days": period,
            "retention_rate": came / len(cohort) if cohort else 0.0,
            "cohort_size": len(cohort),
            "active_users": came,
        }
        for period, came in zip(question.periods, active, strict=True)
    ]


def _days_of(user: str, events: Events, when: When) -> list[date]:
    return sorted({day_of(event, when) for event in _ever(events, when) if event["user"] == user})


def _cohorts(events: Events, when: When) -> dict[date, list[list[date]]]:
    """The days of each person, under the first of them."""
    found: dict[date, list[list[date]]] = {}
    for user in sorted(_people(_ever(events, when))):
        days = _days_of(user, events, when)
        found.setdefault(days[0], []).append(days)
    return found


def cohort_analysis(question: Any, events: Events, when: When) -> Rows:
    """Who of the day's cohort came on day N (or later), once day N has ended."""
    people = _cohorts(events, when).get(question.cohort_date, [])

    def share(n: int) -> float | None:
        target = question.cohort_date + n * DAY
        if not people or target >= _today(when):
            return None
        back = [days for days in people if (target in days if question.exact else days[-1] >= target)]
        return len(back) / len(people)

    shares = {f"day_{n}": share(n) for n in question.periods}
    return [{"cohort_date": question.cohort_date, "cohort_size": len(people), "retention": shares}]


def cohorts(question: Any, events: Events, when: When) -> Rows:
    """Every day's cohort, day by day."""

    def share(first: date, people: list[list[date]], n: int) -> float | None:
        back = sum(days[-1] >= first + n * DAY for days in people)
        return back / len(people) if first + n * DAY < _today(when) else None

    return [
        {"day": day, "people": len(people), "returned": [share(day, people, n) for n in range(question.days)]}
        for day, people in sorted(_cohorts(events, when).items())
        if day > _today(when) - question.days * DAY
    ]


def retention_curve(question: Any, events: Events, when: When) -> Rows:
    """The cohorts of the days shown, taken together."""
    everyone = [
        days
        for day, people in _cohorts(events, when).items()
        if day > _today(when) - question.days * DAY
        for days in people
    ]
    rows = []
    for n in range(question.days):
        old = [days for days in everyone if days[0] + n * DAY < _today(when)]
        back = sum(days[-1] >= days[0] + n * DAY for days in old)
        rows.append({"n": n, "people": len(old), "returned": back, "share": back / len(old) if old else None})
    return rows


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


def _of(user: str, events: Events) -> Rows:
    return [event for event in events if event["user"] == user]


def engagement(question: Any, events: Events, when: When) -> Rows:
    """The learner's engagement in the window."""
    mine = _last(_of(question.user, events), when, question.window)
    return [{"user_id": question.user, "time_window": f"{question.window}d"} | _engagement(mine, question.window)]


def learning_velocity(question: Any, events: Events, when: When) -> Rows:
    """Concepts the learner passed in the window."""
    speed = _velocity(_last(_of(question.user, events), when, question.days), question.days)
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
    mine = _ever(_of(question.user, events), when)
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
    mine = _ever(_of(question.user, events), when)
    recent = _last(mine, when, question.window)
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
    mine = _ever(_of(user, events), when)
    return {
        "user_id": user,
        "engagement": _engagement(_last(mine, when, question.window), question.window),
        "learning_velocity": _velocity(_last(mine, when, question.days), question.days),
    } | _risk(mine, when)


def learners(question: Any, events: Events, when: When) -> Rows:
    """The metrics of everyone ever seen (all of them in one part)."""
    everyone = sorted(_people(_ever(events, when)), key=str.encode)
    return [_metrics(user, question, events, when) for user in everyone]


def timeline(question: Any, events: Events, when: When) -> Rows:
    """The learner's newest events."""
    mine = sorted(_ever(_of(question.user, events), when), key=lambda e: (e["timestamp"], e["id"]), reverse=True)
    return [
        {"event_id": event["id"], "event_type": event["type"], "timestamp": event["timestamp"]}
        for event in mine[: question.limit]
    ]


def anomalies(question: Any, events: Events, when: When) -> Rows:
    """The last period against those before it."""
    unit = DAY if question.window.endswith("d") else timedelta(hours=1)

    def value(back: int) -> int:
        end = when.now - back * unit
        seen = [event for event in events if end - unit < event["timestamp"] <= end]
        if question.metric == "active_users":
            return len(_people(seen))
        return sum(question.metric in ("events", event["type"]) for event in seen)

    usual = [value(back) for back in range(1, int(question.window[:-1]) + 1)]
    mean, deviation = statistics.fmean(usual), statistics.pstdev(usual)
    if not deviation or abs(value(0) - mean) / deviation <= 3:
        return []
    z = abs(value(0) - mean) / deviation
    return [{"metric": question.metric, "value": value(0), "expected_mean": mean, "z_score": z}]


ORACLES: dict[str, Oracle] = {
    oracle.__name__: oracle
    for oracle in (
        totals, active_users, events_by_day, event_distribution, activity_heatmap, retention, retention_periods,
        retention_curve, cohorts, cohort_analysis, learner_metrics, engagement, learning_velocity, dropout_risk,
        intervention, learners, timeline, anomalies,
    )
}  # fmt: skip
