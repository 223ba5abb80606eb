"""Metrics: samples, events in buckets, and windows."""

import json
from datetime import datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from tests.analyses.subjects.subject import Strategies, Subject
from tests.analyses.worlds import DAYS, MILLISECOND, World, moments, some_event
from tests.stories import happened

RANGES = (timedelta(minutes=90), timedelta(hours=30), timedelta(days=9))
AGGREGATIONS = st.sampled_from(("sum", "avg", "min", "max", "count", "p50", "p95", "p99"))
GRANULARITIES = ("minute", "hour", "day", "week", "month", "quarter")
FILTERS = st.sampled_from(({}, {}, {"host": ("a", "b")}, {"host": ("",)}, {"source_service": ("web",)}))


def sample(name: str, value: float, at: datetime | str, **more: Any) -> dict[str, Any]:
    """A sample of a metric; `more` are `metric_type`, `tags`, `unit`, and columns of the events table."""
    own = {key: more.pop(key) for key in ("metric_type", "tags", "unit", "tokens") if key in more}
    properties = json.dumps({"metric_name": name, "metric_value": value} | own)
    return happened("system.metric", more.pop("user", ""), at, properties=properties, **more)


@st.composite
def some_sample(draw: st.DrawFn, anchor: datetime, now: datetime, zone: str) -> dict[str, Any]:
    """An event or a sample, often shortly before now, and often after another at the same moment."""
    near = now - draw(st.integers(0, 200)) * timedelta(seconds=30)
    at = draw(st.just(near) | moments(anchor, now, zone))
    received = at + draw(st.sampled_from((0, 0, 1, 60_000, 3_600_000, 3_600_001, 90_000_000))) * MILLISECOND
    source = draw(st.sampled_from(("", "web", "api")))
    if draw(st.booleans()):
        properties = draw(st.sampled_from(("{}", '{"tokens": 7}', '{"tokens": 2.5, "plan": "pro"}', '{"plan": 1}')))
        event = draw(some_event(anchor, now, zone))
        return event | {"timestamp": at, "received": received, "source": source, "properties": properties}
    courses = st.sampled_from(("", "c1", "m1"))
    return sample(
        draw(st.sampled_from(("cpu", "cpu", "requests"))),
        draw(st.sampled_from((0, 1, 2.5, 10, 10, -3, 1e6))),
        at,
        received=received,
        course=draw(courses),
        content="",
        concept="",
        user=draw(st.sampled_from(("", "", "ada"))),
        source=source,
        metric_type=draw(st.sampled_from(("gauge", "counter", "counter", "histogram"))),
        tags=draw(st.sampled_from(({}, {"host": "a"}, {"host": "b"}, {"host": "a", "zoë": "\t'"}))),
    )


def _ranged(world: World, granularities: tuple[str, ...] = GRANULARITIES) -> dict[str, st.SearchStrategy[Any]]:
    starts = st.sampled_from([world.now - span for span in RANGES])
    return {
        "start": st.none() | starts,
        "end": st.none() | st.sampled_from((world.now - timedelta(minutes=45), world.now + timedelta(hours=2))),
        "granularity": st.sampled_from(granularities),
        "fill_missing": st.booleans(),
    }


def _metric_list(world: World) -> Strategies:
    return {"days": DAYS, "starting": st.sampled_from(("", "", "c", "x"))}


def _metric_series(world: World) -> Strategies:
    return _ranged(world) | {
        "metric_names": st.sampled_from((("cpu",), ("requests", "cpu"), ("cpu", "nothing"))),
        "aggregation": AGGREGATIONS,
        "group_by": st.sampled_from(((), (), ("host",), ("source_service", "host"), ("zoë",))),
        "filters": FILTERS,
    }


def _event_series(world: World) -> Strategies:
    names = (("events",), ("active_users",), ("events.page_view", "active_users"), ("events", "events.system.metric"))
    return _ranged(world) | {
        "metric_names": st.sampled_from(names),
        "group_by": st.sampled_from(((), (), ("event_type",), ("course_id", "source_service"))),
        "filters": st.sampled_from(({}, {"course_id": ("c1", "")}, {"source_service": ("web",)})),
    }


def _event_days(world: World) -> Strategies:
    return dict(_event_series(world)) | {
        "granularity": st.sampled_from(GRANULARITIES[2:]),
        "group_by": st.sampled_from(((), ("event_type",), ("course_id",))),
        "filters": st.sampled_from(({}, {"course_id": ("c1", "")}, {"event_type": ("page_view",)})),
    }


def _daily_metrics(world: World) -> Strategies:
    return {"days": DAYS}


def _stream(world: World) -> dict[str, st.SearchStrategy[Any]]:
    fields = st.sampled_from(("value", "duration", "tokens", "score"))
    return {
        "size": st.sampled_from((1, 7, 20)),
        "unit": st.sampled_from(("minutes", "hours")),
        "event_types": st.sampled_from(((), (), ("page_view", "video_play"))),
        "metric_names": st.sampled_from(((), (), ("cpu",))),
        "group_by": st.sampled_from(((), ("user_id",), ("host", "metric_name"), ("plan",), ("event_type",))),
        "filters": FILTERS,
        "aggregations": st.dictionaries(fields, AGGREGATIONS, max_size=2)
        | st.just({"active_users": "count", "value": "p95"}),
        "grace_period": st.sampled_from((0, 60, 3600)),
        "retention": st.none() | st.sampled_from((86_400, 90_000, 9 * 86_400)),
    }


def _sliding(world: World) -> Strategies:
    # those that slide by their own length are tumbling
    return _stream(world) | {"window_type": st.just("sliding"), "slide": st.sampled_from((1, 3, 7, 20))}


SUBJECT = Subject(
    parameters={
        "metric_list": _metric_list,
        "metric_series": _metric_series,
        "event_series": _event_series,
        "event_days": _event_days,
        "daily_metrics": _daily_metrics,
        "windows": _sliding,
        "session_windows": _stream,
    },
    happens=some_sample,
    needed={
        "metric_series": {"metric_names": "cpu"},
        "event_series": {"metric_names": "events,active_users"},
        "event_days": {"metric_names": "events,active_users"},
        "windows": {"size": 1, "unit": "hours"},
        "session_windows": {"size": 30, "unit": "minutes"},
    },
    story=lambda user: [
        sample("cpu", 40.0, "2026-03-06T09:00", user=user, tags={"host": "a"}),
        sample("cpu", 60.0, "2026-03-06T10:00", user=user, tags={"host": "b"}),
    ],
)
