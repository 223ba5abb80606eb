"""OneRoster 1.1 and 1.2 as CSV: the roster that a school's information system writes."""

from rollbook.ingest.one_roster.reading import RosterSummary, import_one_roster

__all__ = ["RosterSummary", "import_one_roster"]
