"""Calendar buckets, where clocks change; series resampled; windows as document 5 names them."""

import itertools
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from rollbook.analyses.metrics import TimeRange, TimeSeries, TimeWindow
from rollbook.analyses.metrics.calendar import MOST_BUCKETS, Granularity, buckets, stretches
from rollbook.errors import Invalid


def at(text: str) -> datetime:
    """A moment in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def told(begin: str, until: str, granularity: Granularity, zone: str) -> list[str]:
    """The beginnings as short texts."""
    return [f"{edge:%m-%dT%H:%M}" for edge in buckets(at(begin), at(until), granularity, zone)]


def test_an_hour_that_comes_twice_is_two_buckets() -> None:
    # 2026-10-25, 03:00 summer time is 02:00 winter time, 01:00 UTC
    assert told("2026-10-24T23:30", "2026-10-25T02:30", "hour", "Europe/Zurich") == [
        "10-24T23:00", "10-25T00:00", "10-25T01:00", "10-25T02:00",
    ]  # fmt: skip


def test_an_hour_that_is_skipped_is_none() -> None:
    assert told("2026-03-29T00:00", "2026-03-29T02:00", "hour", "Europe/Zurich") == ["03-29T00:00", "03-29T01:00"]


def test_where_the_clock_goes_back_by_half_an_hour_an_hour_is_longer() -> None:
    # Lord Howe, 2026-04-05: 02:00 (+11) becomes 01:30 (+10:30); the clock shows 01:.. from 14:00 to 15:30 UTC
    assert told("2026-04-04T14:10", "2026-04-04T16:00", "hour", "Australia/Lord_Howe") == ["04-04T14:00", "04-04T15:30"]


def test_where_the_clock_goes_forward_by_half_an_hour_an_hour_is_shorter() -> None:
    # 2026-10-04: 02:00 (+10:30) becomes 02:30 (+11), at 15:30 UTC
    assert told("2026-10-03T15:00", "2026-10-03T17:00", "hour", "Australia/Lord_Howe") == [
        "10-03T14:30", "10-03T15:30", "10-03T16:00",
    ]  # fmt: skip


def test_hours_off_the_full_hour() -> None:
    # Chatham is 13:45 ahead in summer
    assert told("2026-01-10T10:00", "2026-01-10T11:00", "hour", "Pacific/Chatham") == ["01-10T09:15", "01-10T10:15"]


def test_days_last_as_long_as_the_clocks_say() -> None:
    edges = buckets(at("2026-03-28T12:00"), at("2026-03-31T00:00"), "day", "Europe/Zurich")
    assert [after - before for before, after in itertools.pairwise(edges)] == [
        timedelta(hours=24),
        timedelta(hours=23),
        timedelta(hours=24),
    ]


def test_weeks_months_and_quarters() -> None:
    assert told("2026-03-04T12:00", "2026-03-16T00:00", "week", "UTC") == ["03-02T00:00", "03-09T00:00"]
    assert told("2026-01-31T12:00", "2026-03-01T00:01", "month", "UTC") == ["01-01T00:00", "02-01T00:00", "03-01T00:00"]
    assert told("2025-12-31T12:00", "2026-07-01T00:00", "quarter", "UTC") == [
        "10-01T00:00", "01-01T00:00", "04-01T00:00",
    ]  # fmt: skip


def test_too_many_are_refused_at_once() -> None:
    for begin, granularity in (("1990-01-01T00:00", "minute"), ("2026-02-01T00:00", "minute")):
        with pytest.raises(Invalid, match=f"more than {MOST_BUCKETS} minutes"):
            buckets(at(begin), at("2026-03-01T00:00"), granularity, "UTC")  # type: ignore[arg-type]


@given(st.sets(st.integers(-1000, 1000)).map(sorted))
def test_stretches_are_the_numbers(numbers: list[int]) -> None:
    assert [n for first, end, step in stretches(numbers) for n in range(first, end, step)] == numbers


def test_a_year_of_days_is_few_stretches() -> None:
    edges = buckets(at("2026-01-01T00:00"), at("2027-01-01T00:00"), "day", "Europe/Zurich")
    assert len(stretches([round(edge.timestamp()) for edge in edges])) <= 6


SERIES = TimeSeries(
    name="cpu",
    data_points=[
        (at("2026-03-02T10:50"), 5.0),
        (at("2026-03-02T10:10"), 1.0),
        (at("2026-03-02T10:20"), 3.0),
        (at("2026-03-02T23:30"), 8.0),
    ],
)


def test_resampling_by_the_hour() -> None:
    found = SERIES.resample("hour")
    assert found.name == "cpu"
    assert found.data_points == [(at("2026-03-02T10:00"), 3.0), (at("2026-03-02T23:00"), 8.0)]
    assert found.metadata == {"frequency": "hour", "how": "mean"}


def test_resampling_by_a_length_and_another_sum() -> None:
    assert SERIES.resample("30min", "sum").data_points == [
        (at("2026-03-02T10:00"), 4.0),
        (at("2026-03-02T10:30"), 5.0),
        (at("2026-03-02T23:30"), 8.0),
    ]
    for how, value in {"first": 1, "last": 5, "min": 1, "max": 5, "count": 3}.items():
        assert SERIES.resample("1h", how).data_points[0][1] == value  # type: ignore[arg-type]


def test_resampling_by_days_of_a_zone() -> None:
    # 23:30 UTC is the next day in Zurich
    zurich = SERIES.model_copy(update={"metadata": {"timezone": "Europe/Zurich"}})
    assert zurich.resample("day", "count").data_points == [(at("2026-03-01T23:00"), 3.0), (at("2026-03-02T23:00"), 1.0)]


@pytest.mark.parametrize("frequency", ["", "0h", "soon", "1 fortnight", "-3h", "1.5h"])
def test_what_is_no_frequency_is_refused(frequency: str) -> None:
    with pytest.raises(Invalid, match="frequency must be one of minute, hour"):
        SERIES.resample(frequency)


def test_windows_in_seconds() -> None:
    assert TimeWindow(size=90, unit="seconds").to_seconds() == 90
    assert TimeWindow(size=2, unit="hours").to_seconds() == 7200
    assert TimeWindow(size=1, unit="days", slide=1).to_seconds() == 86_400
    with pytest.raises(ValidationError):
        TimeWindow(size=1, unit="fortnights")


def test_a_range_without_an_offset_is_on_the_clocks_of_its_zone() -> None:
    found = TimeRange(start="2026-03-01T00:00", end="2026-04-01T00:00", timezone="Europe/Zurich")
    assert (found.start, found.end) == (at("2026-02-28T23:00"), at("2026-03-31T22:00"))
    with pytest.raises(ValidationError, match="End time must be after start time"):
        TimeRange(start=found.end, end=found.start)
