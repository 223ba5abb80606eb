"""Segments: people chosen by what they did, kept under a name, and usable in every question about many."""

from rollbook.analyses.segments.conditions import Condition, Did, FirstSeen
from rollbook.analyses.segments.keeping import Segment, Wanted, delete, kept, listed, put
from rollbook.analyses.segments.members import members, people

__all__ = ["Condition", "Did", "FirstSeen", "Segment", "Wanted", "delete", "kept", "listed", "members", "people", "put"]
