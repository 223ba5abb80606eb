"""Store: everything Rollbook keeps, opened and closed together."""

from datetime import UTC, datetime, timedelta
from typing import Self

from rollbook.store import counters, keys
from rollbook.store.engine import Engine
from rollbook.store.folder import Folder
from rollbook.store.migrate import migrate
from rollbook.store.records import Records
from rollbook.store.rollups import Rollups
from rollbook.settings import Settings


class Store:
    """The event tables (`engine`, `rollups`) and the records, in one data folder or on servers."""

    def __init__(self, settings: Settings) -> None:
        """Open, migrate, and catch up with what an unclean stop left. Raises Conflict, Invalid or Unavailable."""
        self.settings = settings
        self.folder = Folder(settings.data)
        self.folder.hold()
        try:
            self.records = Records(settings)
            self.engine = Engine(settings)
            migrate(self.engine)
            keys.catch_up(self.engine, settings.dedup_window_days)
            counters.catch_up(self.engine, settings.late_after_seconds)
            self.rollups = Rollups(self.engine, self.zone_of, settings.roll_quiet_seconds)
        except BaseException:
            self.folder.release()
            raise

    def zone_of(self, tenant: str) -> str:
        """The zone in which a tenant's calendar days are counted."""
        return self.records.zone_of(tenant) or self.settings.timezone

    def window_start(self) -> datetime:
        """Ids received before this are no longer recognised as duplicates."""
        return datetime.now(UTC) - timedelta(days=self.settings.dedup_window_days)

    def close(self) -> None:
        """Close everything and give the folder back."""
        self.engine.close()
        self.records.close()
        self.folder.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
