"""Store: everything Rollbook keeps, opened and closed together."""

import contextlib
from datetime import UTC, datetime, timedelta
from typing import Self

import structlog

from rollbook.settings import Settings
from rollbook.store import counters, footprint, keys
from rollbook.store.asking.answers import Answers
from rollbook.store.engine import Engine
from rollbook.store.folder import Folder
from rollbook.store.lease import Lease
from rollbook.store.migrate import migrate
from rollbook.store.records import Records
from rollbook.store.rollups import Rollups

log = structlog.get_logger()


class Store:
    """The event tables (`engine`, `rollups`) and the records, in one data folder or on servers."""

    def __init__(self, settings: Settings) -> None:
        """Open, migrate, and become the writer if none is there. Raises Conflict, Invalid or Unavailable."""
        self.settings = settings
        self.folder = Folder(settings.data)
        with contextlib.ExitStack() as opened:
            self.folder.hold()
            opened.callback(self.folder.release)
            self.records = Records(settings)
            opened.callback(self.records.close)
            self.engine = Engine(settings)
            opened.callback(self.engine.close)
            migrate(self.engine)
            if self.engine.embedded:
                footprint.hand_back_code()
            self.changes = self.engine.changes
            self.answers = Answers(self.engine, self.changes, _kept_bytes(settings))
            self.rollups = Rollups(self.engine, self.zone_of, settings.roll_quiet_seconds)
            self.lease = self._claimed(opened)
            if self.may_write():
                self.begin_writing()
            self.trouble: str | None = None
            self._opened = opened.pop_all()

    def may_write(self) -> bool:
        """Whether this process is the one that writes: always in a data folder, on a server the one with the lease."""
        return self.lease is None or self.lease.held()

    def begin_writing(self) -> None:
        """Become the writer: catch up with what an unclean stop left. Raises Unavailable."""
        keys.catch_up(self.engine, self.settings.dedup_window_days)
        counters.catch_up(self.engine, self.settings.late_after_seconds)
        self.rollups.begin()

    def _claimed(self, opened: contextlib.ExitStack) -> Lease | None:
        if self.engine.embedded:
            return None
        lease = Lease(self.engine, self.folder.path, self.settings.writer_expiry_seconds)
        opened.callback(lease.release)
        return lease

    def note_trouble(self, detail: str | None) -> None:
        """Say why events cannot be written now; None: they can. Logged when it changes, and seen at /health."""
        if detail and not self.trouble:
            log.error("events_refused", detail=detail, effect="503 until it is mended; it is tried with each request")
        elif self.trouble and not detail:
            log.warning("events_taken_again", after=self.trouble)
        self.trouble = detail

    def zone_of(self, tenant: str) -> str:
        """The zone in which a tenant's calendar days are counted."""
        return self.records.zone_of(tenant) or self.settings.timezone

    def set_timezone(self, tenant: str, zone: str | None) -> None:
        """Count the days of a tenant in another zone (None: the default) from now on. Raises Invalid."""
        self.rollups.move(tenant, lambda: self.records.set_timezone(tenant, zone))

    def window_start(self) -> datetime:
        """Ids received before this are no longer recognised as duplicates."""
        return datetime.now(UTC) - timedelta(days=self.settings.dedup_window_days)

    def close(self) -> None:
        """Close everything and give the folder back."""
        self._opened.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _kept_bytes(settings: Settings) -> int:
    """On a server other processes write too, and nothing tells of it before they acknowledge: nothing is kept."""
    return settings.cache_bytes if settings.clickhouse_url is None and settings.query_cache_seconds else 0
