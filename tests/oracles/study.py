"""Oracles of study: sessions, materials, days; document 2's tables of them."""

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from statistics import fmean
from typing import Any

from rollbook.analyses.question import When
from tests.oracles.ground import DAY, Events, Oracle, Rows, calendar, day_of, days_back, ever, last, of

PASSIVE = {"streak_update", "api_request", "api_error"}
VIEWS = {"material_view", "content_view", "content_start", "video_play"}
COMPLETIONS = {"material_complete", "content_completion", "completion"}
EDGES = {"session_start", "session_end"}


def told(event: dict[str, Any], name: str) -> Any:
    """A property."""
    return json.loads(event.get("properties", "{}")).get(name)


def number(event: dict[str, Any], name: str) -> float | None:
    """A property that is a number, or a text that is one."""
    try:
        return float(told(event, name))
    except (TypeError, ValueError):
        return None


def xp(events: Events) -> int:
    """Whole XP."""
    found = (number(event, "xp_amount") or 0 for event in events if event["type"] == "xp_earned")
    return sum(round(max(-1e9, min(1e9, amount))) for amount in found)


def achievements(events: Events) -> int:
    """Distinct ones."""
    earned = [event for event in events if event["type"] == "achievement_earned"]
    return len({told(event, "achievement_id") or event["id"] for event in earned})


def materials(events: Events, types: set[str]) -> int:
    """Distinct ones; each without an id is one more."""
    return len({event.get("content") or (event["id"],) for event in events if event["type"] in types})


def sessions(events: Events) -> Rows:
    """All sessions, each with its `began`, `seconds` and `events`."""
    threads: dict[Any, Rows] = {}
    for event in events:
        mine = [e for e in of(event["user"], events) if e["type"] == "session_start" and not e.get("session")]
        starts = sum(e["timestamp"] <= event["timestamp"] for e in mine)
        threads.setdefault((event["user"], event.get("session") or starts), []).append(event)
    return [_session(found) for found in threads.values() if any(event["type"] in EDGES for event in found)]


def _session(events: Rows) -> dict[str, Any]:
    began = min(event["timestamp"] for event in events if event["type"] in EDGES)
    ends = [event for event in events if event["type"] == "session_end"]
    given = [e["duration"] for e in ends if e.get("duration") is not None and e["duration"] >= 0]
    ended = max((event["timestamp"] for event in ends), default=None)
    latest = ended or (max(e["timestamp"] for e in events) if events[0].get("session") else began)
    seconds = max(given) if given else (latest - began) / timedelta(seconds=1)
    return {
        "user": events[0]["user"],
        "session": events[0].get("session", ""),
        "began": began,
        "ended": ended,
        "seconds": min(86_400.0, seconds),
        "events": events,
    }


def learning_overview(question: Any, events: Events, when: When) -> Rows:
    """The figures of one person; the level and the streak are the gamification's."""
    mine = ever(of(question.user, events), when)
    recent = calendar(mine, when, question.days)
    begun = [one for one in sessions(mine) if day_of({"timestamp": one["began"]}, when) > _before(question.days, when)]
    minutes = sum(one["seconds"] for one in begun) / 60
    return [
        {
            "user_id": question.user,
            "total_sessions": len(begun),
            "total_duration_minutes": minutes,
            "average_session_minutes": minutes / len(begun) if begun else 0.0,
            "materials_viewed": materials(recent, VIEWS),
            "materials_completed": materials(recent, COMPLETIONS),
            "xp_earned": xp(recent),
            "total_xp": max(0, xp(mine)),
            "achievements_earned": achievements(recent),
            "total_achievements": achievements(mine),
        }
    ]


def _before(days: int, when: When) -> Any:
    return days_back(when, days)[0] - DAY


def _days(events: Events, when: When, days: int) -> dict[tuple[Any, str], dict[str, Any]]:
    """What happened by day and user."""
    seen = calendar(events, when, days + 1)
    found: dict[tuple[Any, str], dict[str, Any]] = {}
    begun = sessions(seen)
    for event in calendar(events, when, days):
        day, user = key = day_of(event, when), event["user"]
        if key in found:
            continue
        mine = [e for e in of(user, seen) if day_of(e, when) == day]
        own = [one for one in begun if one["user"] == user and day_of({"timestamp": one["began"]}, when) == day]
        types = Counter(e["type"] for e in mine)
        found[key] = {
            "activity_count": sum(e["type"] not in PASSIVE for e in mine),
            "sessions": len(own),
            "duration_minutes": sum((one["seconds"] for one in own), 0.0) / 60,
            "materials_viewed": materials(mine, VIEWS),
            "materials_completed": materials(mine, COMPLETIONS),
            "xp_earned": xp(mine),
            "achievements_earned": types["achievement_earned"],
            "ai_messages": types["ai_message_sent"] + types["ai_message_received"],
        }
    return found


def learning_heatmap(question: Any, events: Events, when: When) -> Rows:
    """Each day of one person."""
    found = _days(of(question.user, events), when, question.days)
    empty = {"activity_count": 0, "duration_minutes": 0.0, "xp_earned": 0}
    rows = [(day, found.get((day, question.user), empty)) for day in days_back(when, question.days)]
    return [{"date": day} | {name: row[name] for name in empty} for day, row in rows]


def daily_activity_summary(question: Any, events: Events, when: When) -> Rows:
    """Each day of everybody."""
    found = _days(events, when, question.days)
    rows = sorted(found.items(), key=lambda item: (-item[0][0].toordinal(), item[0][1]))
    shown = [{"date": day, "user_id": user} | row for (day, user), row in rows if user and row["activity_count"]]
    return shown[: question.limit]


def learning_sessions(question: Any, events: Events, when: When) -> Rows:
    """Every session that began on the days."""
    rows = []

    def place(one: dict[str, Any]) -> Any:
        thread = f"id {one['session']}" if one["session"] else "no"
        return -one["began"].timestamp(), one["user"] == "", one["user"].encode(), thread

    for one in sorted(sessions(calendar(events, when, question.days + 1)), key=place):
        if day_of({"timestamp": one["began"]}, when) == _before(question.days, when):
            continue
        inside = [e for e in one["events"] if one["session"] or e["timestamp"] <= (one["ended"] or e["timestamp"])]
        rows.append(
            {
                "session_id": one["session"] or None,
                "user_id": one["user"] or None,
                "started_at": one["began"],
                "ended_at": one["ended"],
                "duration_minutes": one["seconds"] / 60,
                "events": len(inside),
                "materials_viewed": materials([e for e in inside if e.get("content")], VIEWS),
                "materials_completed": materials([e for e in inside if e.get("content")], COMPLETIONS),
                "xp_earned": xp(inside),
            }
        )
    return rows


def analytics_events(question: Any, events: Events, when: When) -> Rows:
    """The events themselves."""
    seen = [e for e in last(events, when, question.days) if question.type in ("", e["type"])]
    newest = sorted(seen, key=lambda e: (e["timestamp"], e["id"]), reverse=True)[: question.limit]
    return [
        {
            "event_id": e["id"],
            "event_type": e["type"],
            "user_id": e["user"] or None,
            "timestamp": e["timestamp"],
            "session_id": e.get("session") or None,
            "properties": json.loads(e.get("properties", "{}")),
        }
        for e in newest
    ]


def ai_coach_metrics(question: Any, events: Events, when: When) -> Rows:
    """Messages and ratings by day and user."""
    cells: dict[Any, Rows] = {}
    for event in calendar(events, when, question.days):
        if event["user"] and event["type"] in ("ai_message_sent", "ai_message_received", "ai_feedback_rated"):
            cells.setdefault((-day_of(event, when).toordinal(), event["user"]), []).append(event)
    rows = []
    for (_, user), mine in sorted(cells.items()):
        received = [number(e, "latency_ms") for e in mine if e["type"] == "ai_message_received"]
        times = [ms for ms in received if ms is not None and ms >= 0]
        ratings = [r for e in mine if e["type"] == "ai_feedback_rated" and (r := number(e, "rating")) is not None]
        rows.append(
            {
                "date": day_of(mine[0], when),
                "user_id": user,
                "messages_sent": sum(e["type"] == "ai_message_sent" for e in mine),
                "messages_received": len(received),
                "average_response_ms": fmean(times) if times else None,
                "ratings": len(ratings),
                "average_rating": fmean(ratings) if ratings else None,
            }
        )
    return rows


def hourly_analytics_summary(question: Any, events: Events, when: When) -> Rows:
    """Events by hour of UTC and type."""
    cells: dict[tuple[datetime, str], Rows] = {}
    for event in last(events, when, question.days):
        hour = event["timestamp"].astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        cells.setdefault((hour, event["type"]), []).append(event)
    return [
        {
            "hour": hour,
            "event_type": kind,
            "event_count": len(mine),
            "unique_users": len({e["user"] for e in mine} - {""}),
            "duration_minutes": sum((e.get("duration") or 0 for e in mine), 0.0) / 60,
        }
        for (hour, kind), mine in sorted(cells.items(), key=lambda item: (-item[0][0].timestamp(), item[0][1]))
    ]


ORACLES: tuple[Oracle, ...] = (
    learning_overview,
    learning_heatmap,
    daily_activity_summary,
    learning_sessions,
    analytics_events,
    ai_coach_metrics,
    hourly_analytics_summary,
)
