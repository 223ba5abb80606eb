"""Series of samples and events: stories with figures worked out by hand."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from rollbook.analyses.ask import ask
from rollbook.analyses.catalogue import question
from rollbook.analyses.metrics.daily_metrics import DailyMetrics
from rollbook.analyses.metrics.metric_query import MetricQuery, MetricResult, answer
from rollbook.errors import Invalid
from rollbook.store import Store
from rollbook.store.erasing import Erasing
from tests.analyses.subjects.metrics import sample
from tests.stories import happened, tell

NOW = datetime(2026, 3, 2, 13, 30, tzinfo=UTC)


def query(store: Store, tenant: str, **given: Any) -> MetricResult:
    """Ask about the 2nd of March 2026, 10:00 to 13:00."""
    start, end = given.pop("start", "2026-03-02T10:00:00Z"), given.pop("end", "2026-03-02T13:00:00Z")
    span = {"start": start, "end": end, "timezone": given.pop("timezone", "UTC")}
    return answer(store, MetricQuery.model_validate({"time_range": span, "aggregation": "avg"} | given), tenant, NOW)


def values(store: Store, tenant: str, **given: Any) -> list[float | None]:
    """The values alone."""
    return [point.value for point in query(store, tenant, **given).data]


@pytest.fixture
def told(store: Store, tenant: str) -> str:
    """A processor: 10 and 20 on host a at ten, 60 on host b; nothing at eleven; 40 at noon."""
    tell(
        store,
        tenant,
        [
            sample("cpu", 10, "2026-03-02T10:00", tags={"host": "a"}, unit="%"),
            sample("cpu", 20, "2026-03-02T10:30", tags={"host": "a"}, unit="%"),
            sample("cpu", 60, "2026-03-02T10:59:59.999", tags={"host": "b"}, unit="%"),
            sample("cpu", 40, "2026-03-02T12:00", tags={"host": "b"}, unit="%"),
            sample("cpu", 99, "2026-03-02T13:00", tags={"host": "b"}, unit="%"),
        ],
    )
    return tenant


@pytest.mark.parametrize(
    ("aggregation", "expected"),
    [
        ("avg", [30, None, 40]),
        ("sum", [90, 0, 40]),
        ("count", [3, 0, 1]),
        ("min", [10, None, 40]),
        ("max", [60, None, 40]),
        ("p50", [20, None, 40]),
        # between 20 and 60, 9 tenths (95 % of the way from the first to the third)
        ("p95", [56, None, 40]),
        ("p99", [59.2, None, 40]),
    ],
)
def test_every_aggregation(store: Store, told: str, aggregation: str, expected: list[float | None]) -> None:
    assert values(store, told, metric_names=["cpu"], aggregation=aggregation) == pytest.approx(expected)


def test_a_result_says_what_was_asked_and_found(store: Store, told: str) -> None:
    found = query(store, told, metric_names=["cpu", "ram"], fill_missing=False)
    assert found.query.metric_names == ("cpu", "ram")
    assert found.metadata["samples"] == {"cpu": 4, "ram": 0}
    assert found.metadata["unknown"] == ["ram"]
    assert found.execution_time_ms >= 0
    assert [(point.timestamp.isoformat(), point.tags) for point in found.data] == [
        ("2026-03-02T10:00:00+00:00", {"metric_name": "cpu"}),
        ("2026-03-02T12:00:00+00:00", {"metric_name": "cpu"}),
    ]


def test_series_by_tag_and_filters(store: Store, told: str) -> None:
    found = query(store, told, metric_names=["cpu"], group_by=["host"], fill_missing=False)
    assert [(point.tags["host"], point.value) for point in found.data] == [("a", 15), ("b", 60), ("b", 40)]
    assert values(store, told, metric_names=["cpu"], filters={"host": "b"}) == [60, None, 40]
    assert values(store, told, metric_names=["cpu"], filters={"host": ["a", "b"]}, aggregation="count") == [3, 0, 1]
    assert values(store, told, metric_names=["cpu"], filters={"host": None}, aggregation="count") == [0, 0, 0]
    assert values(store, told, metric_names=["cpu"], filters={"rack": "7"}, aggregation="count") == [0, 0, 0]


def test_a_counter_grows_and_is_reset(store: Store, tenant: str) -> None:
    def counted(value: float, at: str, host: str = "a") -> dict[str, Any]:
        return sample("requests", value, at, metric_type="counter", tags={"host": host})

    tell(
        store,
        tenant,
        [
            counted(100, "2026-03-02T09:50"),
            # 10 since ten to ten, 5 more; then a restart, and 3 since
            counted(110, "2026-03-02T10:10"),
            counted(115, "2026-03-02T10:20"),
            counted(3, "2026-03-02T10:40"),
            # 7 more; another host is a counter of its own, whose first sample adds nothing
            counted(10, "2026-03-02T12:10"),
            counted(1000, "2026-03-02T12:10", host="b"),
            counted(1001, "2026-03-02T12:20", host="b"),
        ],
    )
    assert values(store, tenant, metric_names=["requests"], aggregation="sum") == [18, 0, 8]
    by_host = query(store, tenant, metric_names=["requests"], aggregation="sum", group_by=["host"], fill_missing=False)
    assert [(point.tags["host"], point.value) for point in by_host.data] == [("a", 18), ("a", 7), ("b", 1)]
    assert values(store, tenant, metric_names=["requests"], aggregation="count") == [3, 0, 3]
    # a sum over the whole day, from the first sample on
    day = query(store, tenant, metric_names=["requests"], aggregation="sum", granularity="day")
    assert [point.value for point in day.data] == [26]


def test_a_counter_that_was_silent_for_more_than_a_day_is_a_new_one(store: Store, tenant: str) -> None:
    tell(
        store,
        tenant,
        [
            sample("requests", 5, "2026-03-01T10:29:59.999", metric_type="counter"),
            sample("requests", 9, "2026-03-02T10:30", metric_type="counter"),
            sample("jobs", 5, "2026-03-01T10:30", metric_type="counter"),
            sample("jobs", 9, "2026-03-02T10:30", metric_type="counter"),
        ],
    )
    assert values(store, tenant, metric_names=["requests"], aggregation="sum") == [0, 0, 0]
    assert values(store, tenant, metric_names=["jobs"], aggregation="sum") == [4, 0, 0]


def test_days_of_a_zone(store: Store, tenant: str) -> None:
    # the clocks of Zurich go forward on 2026-03-29: that day has 23 hours
    tell(store, tenant, [sample("cpu", 1, f"2026-03-{day}T{hour:02}:00") for day in (28, 29) for hour in range(24)])
    found = answer(
        store,
        MetricQuery.model_validate(
            {
                "metric_names": ["cpu"],
                "aggregation": "count",
                "granularity": "day",
                "time_range": {"start": "2026-03-28T00:00", "end": "2026-03-30T00:00", "timezone": "Europe/Zurich"},
            }
        ),
        tenant,
        datetime(2026, 4, 1, tzinfo=UTC),
    )
    assert [(point.timestamp.isoformat(), point.value) for point in found.data] == [
        ("2026-03-28T00:00:00+01:00", 23),
        ("2026-03-29T00:00:00+01:00", 23),
    ]


def test_a_sample_counts_the_moment_it_is_there_and_in_the_bucket_of_its_time(store: Store, told: str) -> None:
    before = values(store, told, metric_names=["cpu"], aggregation="max")
    tell(store, told, [sample("cpu", 70, "2026-03-02T11:15")])
    assert before == [60, None, 40]
    assert values(store, told, metric_names=["cpu"], aggregation="max") == [60, 70, 40]


def test_nothing_is_said_of_the_future(store: Store, told: str) -> None:
    found = query(store, told, metric_names=["cpu"], end="2026-03-02T20:00Z", aggregation="count")
    assert [point.timestamp.hour for point in found.data] == [10, 11, 12, 13]


def test_metrics_counted_from_events(store: Store, tenant: str) -> None:
    tell(
        store,
        tenant,
        [
            happened("page_view", "ada", "2026-03-02T10:00", course="c1"),
            happened("page_view", "ada", "2026-03-02T10:10", course="c1"),
            happened("quiz", "bob", "2026-03-02T12:10", course="c2"),
            happened("page_view", "", "2026-03-02T12:20"),
            sample("cpu", 5, "2026-03-02T12:30"),
        ],
    )
    names = ["events", "events.page_view", "active_users", "cpu"]
    for more in ({}, {"granularity": "day"}):
        found = query(store, tenant, metric_names=names, **more)
        got = {name: [p.value for p in found.data if p.tags["metric_name"] == name] for name in names}
        assert got == (
            {"events": [5], "events.page_view": [3], "active_users": [2], "cpu": [5]}
            if more
            else {"events": [2, 0, 3], "events.page_view": [2, 0, 1], "active_users": [1, 0, 1], "cpu": [None, None, 5]}
        )
    by_course = query(store, tenant, metric_names=["active_users"], group_by=["course_id"], fill_missing=False)
    assert [(point.tags["course_id"], point.value) for point in by_course.data] == [("c1", 1), ("c2", 1)]


def test_what_cannot_be_asked_is_refused(store: Store, tenant: str) -> None:
    with pytest.raises(Invalid, match="events have the tags event_type"):
        query(store, tenant, metric_names=["events"], group_by=["host"])
    with pytest.raises(Invalid, match="more than 20000 minutes"):
        query(store, tenant, metric_names=["cpu"], granularity="minute", start="2026-01-01T00:00Z")


def test_which_metrics_there_are(store: Store, told: str) -> None:
    tell(
        store,
        told,
        [
            sample("cpu", 1, "2026-03-02T13:15", metric_type="summary", unit="share", source="agent"),
            happened("page_view", "ada", "2026-03-02T13:16", properties='{"metric_name": "cpu", "metric_value": "5"}'),
        ],
    )
    (found,) = ask(store, question("metric_list", {"as_of": NOW}), told).rows
    assert found.model_dump() == {
        "metric_name": "cpu",
        "metric_type": "summary",
        "unit": "share",
        "tags": ["host"],
        "sources": ["", "agent"],
        "samples": 6,
        "first_seen": datetime(2026, 3, 2, 10, tzinfo=UTC),
        "last_seen": datetime(2026, 3, 2, 13, 15, tzinfo=UTC),
    }


def test_daily_figures(store: Store, tenant: str) -> None:
    tell(
        store,
        tenant,
        [
            happened("session_start", "ada", "2026-03-01T10:00", duration=60.5),
            happened("page_view", "ada", "2026-03-01T10:01", duration=30.0),
            happened("page_view", "bob", "2026-03-01T10:02"),
            happened("page_view", "", "2026-03-01T10:03"),
        ],
    )
    rows = ask(store, DailyMetrics(days=2, as_of=NOW), tenant).rows
    assert [(row.date, row.metric_name, row.metric_value) for row in rows if row.metric_value] == [
        (date(2026, 3, 1), "dau", 2),
        (date(2026, 3, 1), "event_types", 2),
        (date(2026, 3, 1), "events", 4),
        (date(2026, 3, 1), "learning_seconds", 90),
        (date(2026, 3, 1), "sessions", 1),
    ]
    assert len(rows) == 10


def test_a_name_that_is_taken_out_of_a_sample_is_in_no_tag_of_it(store: Store, tenant: str) -> None:
    tell(store, tenant, [sample("cpu", 1, "2026-03-02T10:00", tags={"owner": "ada-lovelace", "host": "a"})])
    erasing = Erasing(store.engine)
    with store.rollups.resting(), erasing.of(["ada-lovelace"], ["ada-lovelace"]):
        assert erasing.redact(tenant) == {"events": 1}
    found = query(store, tenant, metric_names=["cpu"], group_by=["owner", "host"], fill_missing=False)
    (point,) = found.data
    assert "ada" not in point.tags["owner"]
    assert (point.tags["host"], point.value) == ("a", 1)
