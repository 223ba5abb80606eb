"""Ages: how long a tenant keeps what, counted from receipt; its own settings win over the process's."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from rollbook.governance.tenants import tenants_of
from rollbook.store import Store


@dataclass(frozen=True, slots=True)
class Ages:
    """Days that raw events (hot), rollups (warm) and archives (cold) are kept; `anonymise`: until users go."""

    events: int
    rollups: int
    archives: int
    anonymise: int | None

    def events_before(self, now: datetime) -> datetime:
        """Raw events received up to then are due."""
        return _whole(now - timedelta(days=self.events))

    def rollups_before(self, now: datetime) -> datetime:
        """Rollups of events received up to then are due; never before the events themselves."""
        return _whole(now - timedelta(days=max(self.rollups, self.events)))

    def archives_before(self, now: datetime) -> datetime:
        """Archives of events received up to then are due."""
        return _whole(now - timedelta(days=self.archives))

    def anonymise_before(self, now: datetime) -> datetime | None:
        """Events received up to then lose their users; at the latest before they are archived."""
        if self.anonymise is None:
            return None
        return _whole(now - timedelta(days=min(self.anonymise, self.events)))


def ages_of(store: Store, tenant: str) -> Ages:
    """A tenant's ages."""
    own, of_all = tenants_of(store).settings(tenant), store.settings
    return Ages(
        events=own.event_days or of_all.event_expiry_days,
        rollups=own.rollup_days or of_all.rollup_expiry_days,
        archives=own.archive_days or of_all.archive_expiry_days,
        anonymise=own.anonymise_days,
    )


def _whole(moment: datetime) -> datetime:
    """To the millisecond, as the event tables have it."""
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)
