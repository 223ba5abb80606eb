"""Enriching: asks the enrichers that a tenant has switched on, and hears what `identify` events tell of learners.

An enricher that fails lets the event through without its part; the event says which failed, and it is counted.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import Any

import structlog

from rollbook.event import Event
from rollbook.governance.tenants import TenantSettings
from rollbook.ingest.batch import Batch
from rollbook.ingest.enriching.business import Business
from rollbook.ingest.enriching.context import FAILED, with_context
from rollbook.ingest.enriching.enricher import Around, Enricher, Incoming, Members
from rollbook.ingest.enriching.hours import Hours
from rollbook.ingest.enriching.known import Known
from rollbook.ingest.enriching.learner import Learner
from rollbook.ingest.enriching.system import System
from rollbook.ingest.enriching.telling import told_by
from rollbook.settings import Settings
from rollbook.store import Store

log = structlog.get_logger()

ENRICHERS: tuple[Enricher, ...] = (Hours(), Learner(), System(), Business())


def enrich(batch: Batch, settings: Settings) -> None:
    """Add what the tenant wants to know with every event; keep what `identify` events tell of learners."""
    if batch.enriching is not None:
        batch.enriching(batch)


@dataclass(slots=True)
class _Part:
    """The events of one tenant in a batch, what is added to each of them, and what failed."""

    places: list[int]
    incoming: list[Incoming]
    added: list[Members]
    failed: list[list[str]]


class Enriching:
    """Enriches the batches of a store. `load` gives the share of the queue that is taken."""

    def __init__(self, store: Store, load: Callable[[], float], enrichers: Sequence[Enricher] = ENRICHERS) -> None:
        self._store = store
        self._load = load
        self._enrichers = enrichers
        self.known = Known(store)

    def __call__(self, batch: Batch) -> None:
        """Enrich the events of all tenants that want it."""
        batch.told = told_by(batch)
        if batch.pseudonyms is None:
            return
        settings = {tenant: batch.pseudonyms.tenants.settings(tenant) for tenant in batch.tenants()}
        for tenant, wanted in settings.items():
            if wanted.enrichers:
                self._enrich(batch, tenant, wanted)

    def _enrich(self, batch: Batch, tenant: str, settings: TenantSettings) -> None:
        places = [place for place, event in enumerate(batch.events) if event.tenant == tenant]
        incoming = [_incoming(batch.events[place], batch.properties[place]) for place in places]
        part = _Part(places, incoming, [{} for _ in places], [[] for _ in places])
        zone, trouble = self._store.zone_of(tenant), self._store.trouble or ""
        around = Around(tenant, zone, settings, incoming, self.known, self._load, trouble)
        for enricher in self._enrichers:
            if enricher.name in settings.enrichers:
                _ask(enricher, around, part)
        for place, added, failed in zip(part.places, part.added, part.failed, strict=True):
            more: dict[str, Any] = added | ({FAILED: failed} if failed else {})
            if more:
                batch.properties[place] = with_context(batch.properties[place], more)
        if failures := sum(map(bool, part.failed)):
            batch.notes[tenant, "unenriched"] += failures


def _incoming(event: Event, properties: bytes) -> Incoming:
    assert event.timestamp is not None
    return Incoming(event.type, event.user or "", event.timestamp.astimezone(UTC), properties)


def _ask(enricher: Enricher, around: Around, part: _Part) -> None:
    """Ask one enricher for all events. Whatever it raises is its own failure, never the events'."""
    name, error = enricher.name, None
    try:
        members = enricher.ready(around)
    except Exception as failure:
        error = failure
        for failed in part.failed:
            failed.append(name)
    else:
        for event, added, failed in zip(part.incoming, part.added, part.failed, strict=True):
            try:
                if found := members(event):
                    added[name] = found
            except Exception as failure:
                error = failure
                failed.append(name)
    if error is not None:
        log.warning("enrichment_failed", enricher=name, tenant=around.tenant, error=type(error).__name__)
