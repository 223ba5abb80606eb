"""What is known of learners beyond their events."""

from rollbook.store.records.learners.traits import Told, TraitRecords

__all__ = ["Told", "TraitRecords"]
