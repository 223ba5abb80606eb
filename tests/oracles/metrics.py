"""Oracles of metrics: samples and events in buckets of the calendar, and in windows."""

import json
import math
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from rollbook.analyses.question import When
from tests.oracles.ground import Events, Oracle, Rows, calendar, day_of, days_back, ever, last, people

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Sample = dict[str, Any]


def metric_list(question: Any, events: Events, when: When) -> Rows:
    """Every metric by its last sample."""
    found: dict[str, list[Sample]] = defaultdict(list)
    for sample in samples(last(events, when, question.days)):
        if sample["name"].startswith(question.starting):
            found[sample["name"]].append(sample)
    return [
        {
            "metric_name": name,
            "tags": sorted({tag for sample in some for tag in sample["tags"]}),
            "sources": sorted({sample["source"] for sample in some}),
            "samples": len(some),
            "first_seen": min(sample["at"] for sample in some),
            "last_seen": max(sample["at"] for sample in some),
        }
        for name, some in sorted(found.items())
    ]


def metric_series(question: Any, events: Events, when: When) -> Rows:
    """Every bucket's samples by themselves; of counters what each sample adds."""
    told = samples(ever(events, when))
    gains = steps(told, question, when)
    chosen = [s for s in told if s["name"] in question.metric_names and passes(question, tags_of(s))]

    def value(some: list[Sample]) -> float | None:
        if question.aggregation == "count":
            return float(len(some))
        if question.aggregation == "sum":
            return math.fsum(gains[s["id"]] if s["type"] == "counter" else s["value"] for s in some)
        return figure(question.aggregation, [s["value"] for s in some])

    return series(question, when, [(s["name"], s["at"], tags_of(s), s) for s in chosen], value)


def event_series(question: Any, events: Events, when: When) -> Rows:
    """Every bucket's events, and who did them."""
    entries = []
    for event in ever(events, when):
        tags = {
            "event_type": event["type"],
            "source_service": event.get("source", ""),
            "course_id": event.get("course", ""),
            "channel": event.get("channel", ""),
        }
        for name in question.metric_names:
            wanted = event["user"] != "" if name == "active_users" else name in ("events", f"events.{event['type']}")
            if wanted and passes(question, tags):
                entries.append((name, event["timestamp"], tags, event))
    points = []
    for name in sorted(question.metric_names):
        counted = people if name == "active_users" else list

        def value(some: list[Any], counted: Any = counted) -> float:
            return float(len(counted(some)))

        only = [entry for entry in entries if entry[0] == name]
        points += series(question.model_copy(update={"metric_names": (name,)}), when, only, value)
    return [{name: value for name, value in point.items() if name != "samples"} for point in points]


def event_days(question: Any, events: Events, when: When) -> Rows:
    """The same."""
    return event_series(question, events, when)


def daily_metrics(question: Any, events: Events, when: When) -> Rows:
    """Every day's figures."""
    seen = calendar(events, when, question.days)
    found = []
    for day in days_back(when, question.days):
        here = [event for event in seen if day_of(event, when) == day]
        figures = {
            "dau": len(people(here)),
            "event_types": len({event["type"] for event in here}),
            "events": len(here),
            "learning_seconds": math.floor(math.fsum(event.get("duration") or 0 for event in here)),
            "sessions": sum(event["type"] == "session_start" for event in here),
        }
        found += [{"date": day, "metric_name": name, "metric_value": n} for name, n in figures.items()]
    return found


def windows(question: Any, events: Events, when: When) -> Rows:
    """Every window that any event is in."""
    size, slide = question.size_seconds * 1000, question.slide_seconds * 1000
    found: dict[tuple[int, tuple[str, ...], int], list[dict[str, Any]]] = defaultdict(list)
    for event in stream(question, events, when):
        at = ms(event["timestamp"])
        for begin in range((at - size) // slide * slide, at + 1, slide):
            if begin <= at < begin + size and begin >= oldest(question, when):
                found[begin, key_of(question, event), begin + size].append(event)
    return told(question, found, when)


def session_windows(question: Any, events: Events, when: When) -> Rows:
    """Events one by one: each goes on with the session before it, or begins another."""
    size = question.size_seconds * 1000
    sessions: dict[tuple[str, ...], list[list[dict[str, Any]]]] = defaultdict(list)
    for event in sorted(stream(question, events, when), key=lambda one: one["timestamp"]):
        theirs = sessions[key_of(question, event)]
        if not theirs or ms(event["timestamp"]) - ms(theirs[-1][-1]["timestamp"]) >= size:
            theirs.append([])
        theirs[-1].append(event)
    found = {
        (ms(one[0]["timestamp"]), key, ms(one[-1]["timestamp"]) + size): one
        for key, theirs in sessions.items()
        for one in theirs
        if ms(one[0]["timestamp"]) >= oldest(question, when)
    }
    return told(question, found, when)


ORACLES: tuple[Oracle, ...] = (
    metric_list, metric_series, event_series, event_days, daily_metrics, windows, session_windows,
)  # fmt: skip


def samples(events: Events) -> list[Sample]:
    """The samples among events."""
    found = []
    for event in events:
        held = json.loads(event.get("properties", "{}"))
        value = held.get("metric_value")
        if isinstance(held.get("metric_name"), str) and isinstance(value, int | float) and not isinstance(value, bool):
            found.append(
                {
                    "id": event["id"],
                    "name": held["metric_name"],
                    "value": value,
                    "type": held.get("metric_type", "gauge"),
                    "tags": held.get("tags", {}),
                    "source": event.get("source", ""),
                    "at": event["timestamp"],
                }
            )
    return found


def tags_of(sample: Sample) -> dict[str, str]:
    """Its tags, and the service that sent it."""
    return {"source_service": sample["source"], **sample["tags"]}


def passes(question: Any, tags: dict[str, str]) -> bool:
    """Whether tags have what the filters want."""
    return all(tags.get(name, "") in values for name, values in question.filters.items())


def steps(told: list[Sample], question: Any, when: When) -> dict[str, float]:
    """What each sample of a counter adds to it."""
    lines: dict[Any, list[Sample]] = defaultdict(list)
    for sample in told:
        if sample["type"] == "counter":
            lines[sample["name"], sample["source"], tuple(sorted(sample["tags"].items()))].append(sample)
    gains: dict[str, float] = {}
    for line in lines.values():
        before = None
        for sample in sorted(line, key=lambda one: (one["at"], one["value"])):
            near = before is not None and sample["at"] - before["at"] <= DAY
            fell = before is not None and sample["value"] < before["value"]
            gains[sample["id"]] = (sample["value"] - (0 if fell else before["value"])) if near and before else 0.0
            before = sample
    return gains


def figure(kind: str, values: Sequence[float]) -> float | None:
    """What an aggregation makes of values."""
    if kind in ("sum", "count"):
        return math.fsum(values) if kind == "sum" else float(len(values))
    if not values:
        return None
    if kind in ("avg", "min", "max"):
        return {"avg": math.fsum(values) / len(values), "min": min(values), "max": max(values)}[kind]
    place = int(kind[1:]) / 100 * (len(values) - 1)
    low, ordered = math.floor(place), sorted(values)
    return ordered[low] + (place - low) * (ordered[min(low + 1, len(values) - 1)] - ordered[low])


def series(question: Any, when: When, entries: list[Any], value: Any) -> Rows:
    """Points of entries (name, moment, tags, what) by bucket."""
    end = min(question.end or datetime.max.replace(tzinfo=UTC), when.now + timedelta(milliseconds=1))
    begin = question.start or (question.end or when.now + timedelta(milliseconds=1)) - DAY
    edges = begins(begin, end, question.granularity, when.zone)
    found: dict[Any, list[Any]] = defaultdict(list)
    for name, at, tags, what in entries:
        if begin <= at < end:
            key = tuple(tags.get(tag, "") for tag in question.group_by)
            found[name, key, max(edge for edge in edges if edge <= at)].append(what)
    keys = set(found)
    if question.fill_missing:
        lines = {(name, key) for name, key, _ in found}
        lines |= set() if question.group_by else {(name, ()) for name in question.metric_names}
        keys = {(*line, edge) for line in lines for edge in edges}
    return [
        {
            "metric_name": name,
            "timestamp": edge,
            "value": value(found[name, key, edge]) if (name, key, edge) in found else nothing(question),
            "tags": dict(zip(question.group_by, key, strict=True)),
            "samples": len(found.get((name, key, edge), ())),
        }
        for name, key, edge in sorted(keys)
    ]


def nothing(question: Any) -> float | None:
    """What an empty bucket has."""
    return 0.0 if getattr(question, "aggregation", "count") in ("sum", "count") else None


def begins(begin: datetime, end: datetime, granularity: str, zone: str) -> list[datetime]:
    """When buckets begin that touch the range, found by looking at the clock again and again."""
    clock = ZoneInfo(zone)
    short = granularity in ("minute", "hour")
    step = MINUTE if short else 15 * MINUTE
    moment = begin.replace(hour=0, minute=0, second=0, microsecond=0) - (DAY if short else 100 * DAY)
    found: list[datetime] = []
    before = None
    while moment < end:
        local = moment.astimezone(clock)
        label: Any = {
            "minute": moment,
            "hour": (local.date(), local.hour),
            "day": local.date(),
            "week": local.isocalendar()[:2],
            "month": (local.year, local.month),
            "quarter": (local.year, (local.month - 1) // 3),
        }[granularity]
        again = granularity == "hour" and local.minute == 0
        if label != before or again:
            found.append(moment)
        before, moment = label, moment + step
    first = max(edge for edge in found if edge <= begin)
    return [edge for edge in found if edge >= first]


def ms(moment: datetime) -> int:
    """Milliseconds since 1970."""
    return (moment - EPOCH) // timedelta(milliseconds=1)


def oldest(question: Any, when: When) -> int:
    """From when on windows are kept."""
    kept = question.retention or max(86_400, question.size_seconds + question.grace_period)
    return ms(when.now) - int(kept) * 1000


def named(event: dict[str, Any], name: str) -> str:
    """What an event has under a name, as text."""
    held = json.loads(event.get("properties", "{}"))
    tags: dict[str, str] = next(iter(samples([event])), {"tags": {}})["tags"]
    if name in tags:
        return str(tags[name])
    columns = {"event_type": "type", "user_id": "user", "course_id": "course", "source_service": "source"}
    if name in columns:
        return str(event.get(columns[name], ""))
    if name == "metric_name":
        return str(held.get(name, "")) if samples([event]) else ""
    value = held.get(name, "")
    return value if isinstance(value, str) else json.dumps(value)


def key_of(question: Any, event: dict[str, Any]) -> tuple[str, ...]:
    """What windows are made by."""
    return tuple(named(event, name) for name in question.group_by)


def stream(question: Any, events: Events, when: When) -> Rows:
    """The events of the stream."""
    return [
        event
        for event in ever(events, when)
        if (not question.event_types or event["type"] in question.event_types)
        and (not question.metric_names or (samples([event]) and named(event, "metric_name") in question.metric_names))
        and all(named(event, name) in values for name, values in question.filters.items())
    ]


def told(question: Any, found: Any, when: When) -> Rows:
    """What is said of windows."""
    grace = question.grace_period * 1000
    return [
        {
            "window_start": EPOCH + timedelta(milliseconds=begin),
            "window_end": EPOCH + timedelta(milliseconds=until),
            "tags": dict(zip(question.group_by, key, strict=True)),
            "event_count": len(some),
            "values": {name: of_field(name, kind, some) for name, kind in question.aggregations.items()},
            "late": sum(ms(event["received"]) > until + grace for event in some),
            "final": until + grace <= ms(when.now),
            "last_updated": max(event["received"] for event in some),
        }
        for (begin, key, until), some in sorted(found.items(), key=lambda item: item[0])
    ]


def of_field(name: str, kind: str, events: list[dict[str, Any]]) -> float | None:
    """What an aggregation makes of a field of events."""
    if name == "active_users":
        return float(len(people(events)))
    values = []
    for event in events:
        given = json.loads(event.get("properties", "{}")).get(name)
        if name == "value":
            given = next((sample["value"] for sample in samples([event])), None)
        if name in ("duration", "score"):
            given = event.get(name)
        if isinstance(given, int | float) and not isinstance(given, bool):
            values.append(float(given))
    return figure(kind, values)
