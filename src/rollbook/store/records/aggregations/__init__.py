"""Records of saved aggregations of streams."""

from rollbook.store.records.aggregations.aggregations import AggregationRecords

__all__ = ["AggregationRecords"]
