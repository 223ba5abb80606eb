"""Oracles of activity: how much happened, and when."""

import statistics
from collections import Counter
from datetime import date, timedelta
from typing import Any

from rollbook.analyses.question import When
from tests.oracles.ground import DAY, Events, Oracle, Rows, calendar, day_of, days_back, ever, last, local, people


def totals(question: Any, events: Events, when: When) -> Rows:
    """Counts over the period."""
    seen = ever(events, when) if question.days is None else last(events, when, question.days)
    days = [day_of(event, when) for event in seen]
    return [
        {
            "events": len(seen),
            "people": len(people(seen)),
            "sessions": sum(event["type"] == "session_start" for event in seen),
            "seconds": sum(event.get("duration") or 0 for event in seen),
            "first": min(days, default=None),
            "last": max(days, default=None),
        }
    ]


def active_users(question: Any, events: Events, when: When) -> Rows:
    """For each day shown, the people of the days that end with it."""
    by_day: dict[date, set[str]] = {}
    for event in ever(events, when):
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
        for day in days_back(when, question.days)
    ]


def events_by_day(question: Any, events: Events, when: When) -> Rows:
    """Events of each day shown."""
    counted = Counter(day_of(event, when) for event in ever(events, when))
    return [{"day": day, "events": counted[day]} for day in days_back(when, question.days)]


def event_distribution(question: Any, events: Events, when: When) -> Rows:
    """Events of each type, the most frequent first."""
    counted = Counter(event["type"] for event in last(events, when, question.days))
    return [{"type": kind, "events": n} for kind, n in sorted(counted.items(), key=lambda item: (-item[1], item[0]))]


def activity_heatmap(question: Any, events: Events, when: When) -> Rows:
    """Events of each hour on the clocks of the zone."""
    moments = [local(event["timestamp"], when) for event in calendar(events, when, question.days)]
    counted = Counter((moment.isoweekday(), moment.hour) for moment in moments)
    return [
        {"weekday": weekday, "hour": hour, "events": counted[weekday, hour]}
        for weekday in range(1, 8)
        for hour in range(24)
    ]


def anomalies(question: Any, events: Events, when: When) -> Rows:
    """The last period against those before it."""
    unit = DAY if question.window.endswith("d") else timedelta(hours=1)

    def value(back: int) -> int:
        end = when.now - back * unit
        seen = [event for event in events if end - unit < event["timestamp"] <= end]
        if question.metric == "active_users":
            return len(people(seen))
        return sum(question.metric in ("events", event["type"]) for event in seen)

    usual = [value(back) for back in range(1, int(question.window[:-1]) + 1)]
    mean, deviation = statistics.fmean(usual), statistics.pstdev(usual)
    if not deviation or abs(value(0) - mean) / deviation <= 3:
        return []
    z = abs(value(0) - mean) / deviation
    return [{"metric": question.metric, "value": value(0), "expected_mean": mean, "z_score": z}]


ORACLES: tuple[Oracle, ...] = (totals, active_users, events_by_day, event_distribution, activity_heatmap, anomalies)
