"""The records of segments: conditions under a name."""

from rollbook.store.records.segments.segments import Segments

__all__ = ["Segments"]
