"""Metrics: samples and what is counted from events, in buckets and windows of time (document 5)."""

from rollbook.analyses.metrics.time_series import TimeRange, TimeSeries, TimeWindow

__all__ = ["TimeRange", "TimeSeries", "TimeWindow"]
