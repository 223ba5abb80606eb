"""The small records: tenants, courses, learners, enrolments and finished imports (SQLAlchemy)."""

from rollbook.settings import Settings


class Records:
    """Everything that is not an event."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def zone_of(self, tenant: str) -> str | None:
        """A tenant's own zone, or None."""
        return None

    def close(self) -> None:
        """Close the database."""
