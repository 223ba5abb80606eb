"""Expiring: raw events into archives, rollups and archives away, each when its age has come.

A day goes whole, when all of its events are old enough. The order is one that a kill at any point survives: the archive
is written and read back, then its manifest; one insert into `seals` is the moment from which what is kept counts in
place of the events; then the events are deleted. What a kill has left is finished, or undone, by the next run.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

import structlog

from rollbook.errors import Conflict, RollbookError, Unavailable
from rollbook.governance.lifecycle.ages import Ages, ages_of
from rollbook.governance.lifecycle.anonymising import Anonymising
from rollbook.governance.lifecycle.holds import held
from rollbook.governance.lifecycle.manifest import Manifest
from rollbook.governance.lifecycle.packing import Packing, month_of
from rollbook.governance.lifecycle.storage import Storage, folder_of
from rollbook.governance.pseudonyms.rotation import carried
from rollbook.store import Store, keys
from rollbook.store.expiry import State
from rollbook.store.expiry.raw import Due, Raw
from rollbook.store.records.database import Record

log = structlog.get_logger()

# told before every step: the tenant, and what is done
Progress = Callable[[str, str], None]


def quiet(tenant: str, step: str) -> None:
    """The progress of which nobody is told."""


@dataclass(slots=True)
class Expired:
    """What a run did, or would do: events and days archived, rollup days and archives deleted, days unlinked from their
    users; what is held back, by a hold or until its users are unlinked; and why it ended early, if it `failed`.
    """

    tenant: str
    events: int = 0
    days: list[date] = field(default_factory=list)
    rollup_days: list[date] = field(default_factory=list)
    archives: list[str] = field(default_factory=list)
    held_days: list[date] = field(default_factory=list)
    anonymised_days: list[date] = field(default_factory=list)
    failed: str = ""

    def __bool__(self) -> bool:
        done = self.events or self.rollup_days or self.archives or self.anonymised_days
        return bool(done or self.held_days or self.failed)


class Expiry:
    """The expiry of one store. One at a time: the lock `rollups.changing` is held by every change."""

    def __init__(self, store: Store, progress: Progress = quiet) -> None:
        self._store = store
        self._progress = progress
        self._raw = Raw(store.engine)
        self._storage = Storage(store.settings)
        self._packing = Packing(self._storage, store.settings.data)
        self._records = store.records.lifecycle
        self._anonymising = Anonymising(store, self._packing, self._storage)

    def run(self, now: datetime | None = None, *, of: str | None = None, dry: bool = False) -> list[Expired]:
        """Let go what is due; `dry`: only say what would. What fails for one tenant does not keep the others.

        Raises Unavailable, also for what fails if one tenant is named.
        """
        now = now or datetime.now(UTC)
        found: list[Expired] = []
        if not self._store.may_write():
            return found
        with self._store.rollups.changing:
            if not dry:
                self._packing.sweep()
            for tenant in [of] if of is not None else self._tenants(now):
                expired = Expired(tenant)
                try:
                    self._tenant(expired, now, dry=dry)
                except RollbookError as error:
                    if of is not None:
                        raise
                    log.warning("expiry_failed", tenant=tenant, detail=error.detail, effect="it is tried again")
                    expired.failed = error.detail
                if expired:
                    found.append(expired)
            if not dry and any(one.events or one.rollup_days or one.anonymised_days for one in found):
                self._raw.clean()
        return found

    def mend(self, tenant: str) -> None:
        """Finish or undo what a killed process has left."""
        rollups = self._store.rollups
        with rollups.changing:
            rollups.seals.load()
            for row in [one for one in self._records.archives(tenant) if one["state"] == "writing"]:
                self._finish_or_undo(row)
            if leaving := rollups.seals.of(tenant).leaving:
                self._end_leaving(Due(tenant, leaving.zone, leaving.upto, leaving.days))
            self._anonymising.mend(tenant)
            self._mark_restored(tenant)
            self._forget_kept(tenant, [row["day"] for row in rollups.seals.in_state(tenant, State.FORGOTTEN)])

    def _tenants(self, now: datetime) -> list[str]:
        """Everyone who might have something due: no age is under a day."""
        known = {row["tenant"] for row in self._records.archives()} | set(self._store.rollups.seals.tenants())
        return sorted(known | set(self._raw.tenants(now)))

    def _tenant(self, found: Expired, now: datetime, *, dry: bool) -> None:
        tenant = found.tenant
        if not dry:
            self.mend(tenant)
        ages = ages_of(self._store, tenant)
        zone = self._store.zone_of(tenant)
        holds = held(self._store, tenant)
        if any(not hold.user for hold in holds):
            return
        users = sorted({hold.user for hold in holds})
        kept = self._raw.days_of(tenant, zone, users) if users else set()
        if (unlink_before := ages.anonymise_before(now)) is not None:
            found.anonymised_days = self._anonymising.run(tenant, zone, unlink_before, kept, dry=dry)
            kept = kept | self._raw.linked(tenant, zone)
        self._expire_raw(found, zone, ages.events_before(now), kept, now=now, dry=dry)
        self._expire_rollups(found, ages.rollups_before(now), kept, dry=dry)
        self._expire_archives(found, ages, now, users, dry=dry)

    def _expire_raw(
        self, found: Expired, zone: str, upto: datetime, kept: set[date], *, now: datetime, dry: bool
    ) -> None:
        rows = self._raw.due(found.tenant, zone, upto)
        restored = self._restored(found.tenant, now)
        found.held_days = [row["day"] for row in rows if row["day"] in kept]
        due = {row["day"]: row["events"] for row in rows if row["day"] not in kept | restored}
        if not dry and due:
            keys.catch_up(self._store.engine, self._store.settings.dedup_window_days)
            self._store.rollups.roll(quiet_seconds=0, of=found.tenant)
        for month in sorted({month_of(day) for day in due}):
            days = tuple(sorted(day for day in due if month_of(day) == month))
            if dry or self._archive(Due(found.tenant, zone, upto, days), month):
                found.events += sum(due[day] for day in days)
                found.days += days

    def _archive(self, due: Due, month: str) -> bool:
        """Archive days and let their events go; False if they became hot meanwhile, and wait."""
        summary = self._raw.summary(due)
        archive = f"{due.upto:%Y%m%d}-{secrets.token_hex(4)}"
        folder = folder_of(due.tenant, month, archive)
        row = {"tenant": due.tenant, "id": archive, "folder": folder, "zone": due.zone, "upto": due.upto}
        self._progress(due.tenant, f"archiving {summary['rows']:,} events of {month}")
        self._records.begin(row | {"created": datetime.now(UTC)}, dict.fromkeys(due.days, 0))
        manifest, size, digest = self._packing.write(due, archive, folder, self._raw.blocks(due))
        _compare(manifest, summary, due)
        self._records.change(
            *(due.tenant, archive),
            first_received=manifest.first_received,
            last_received=manifest.last_received,
            rows=manifest.rows,
            bytes=size,
            digest=digest,
        )
        self._records.set_rows(due.tenant, archive, manifest.days)
        try:
            self._seal(due)
        except Conflict as error:
            log.info("expiry_waits", tenant=due.tenant, detail=error.detail)
            self._undo(row)
            return False
        self._let_go(due)
        self._records.change(due.tenant, archive, state="kept")
        log.info("events_archived", tenant=due.tenant, events=manifest.rows, days=len(due.days), archive=archive)
        return True

    def _seal(self, due: Due) -> None:
        """The moment at which what is kept counts in place of the events."""
        rollups = self._store.rollups
        sealed = rollups.seals.of(due.tenant)
        if excess := self._raw.excess(due, sealed):
            raise Unavailable(f"the rollups of {due.tenant} hold {excess} events too many; run rollbook verify")
        self._raw.keep(due, sealed)
        rollups.seal(due.tenant, set(due.days), due.upto, State.LEAVING, zone=due.zone)

    def _let_go(self, due: Due) -> None:
        """Delete the events that do not count any more."""
        self._progress(due.tenant, f"deleting events of {len(due.days)} days")
        self._raw.delete(due)
        self._store.rollups.seal(due.tenant, set(due.days), due.upto, State.GONE, zone=due.zone)

    def _end_leaving(self, due: Due) -> None:
        """Delete what is leaving, if an archive has it; without one, it counts again."""
        uptos = {row["id"]: row["upto"] for row in self._records.archives(due.tenant)}
        kept = {row["day"] for row in self._records.days(due.tenant) if uptos[row["archive"]] == due.upto}
        if kept.issuperset(due.days):
            self._let_go(due)
        else:
            self._store.rollups.seal(due.tenant, set(due.days), due.upto, State.OPEN, zone=due.zone)

    def _finish_or_undo(self, row: Record) -> None:
        """An archive whose days are sealed up to it was written to its end; another never counted."""
        days = {one["day"] for one in self._records.days(row["tenant"], archive=row["id"])}
        sealed = self._store.rollups.seals.of(row["tenant"]).days
        if all(day in sealed and sealed[day] >= row["upto"] for day in days):
            self._records.change(row["tenant"], row["id"], state="kept")
        else:
            self._undo(row)

    def _undo(self, row: Record) -> None:
        self._storage.clear(row["folder"])
        self._records.drop(row["tenant"], row["id"])

    def _mark_restored(self, tenant: str) -> None:
        """Days whose events are back, if a kill came before their archives' records said so."""
        uptos = {row["id"]: row["upto"] for row in self._records.archives(tenant)}
        sealed = self._store.rollups.seals.of(tenant).days
        back = {
            (row["archive"], row["day"])
            for row in self._records.days(tenant, state="archived")
            if (row["day"] not in sealed or sealed[row["day"]] < uptos[row["archive"]])
        }
        forgotten = {row["day"] for row in self._store.rollups.seals.in_state(tenant, State.FORGOTTEN)}
        for archive, day in back:
            if day not in forgotten:
                until = next(r["keep_until"] for r in self._records.days(tenant, archive=archive) if r["day"] == day)
                self._records.mark_days(tenant, [(archive, day)], "restored", until)

    def _restored(self, tenant: str, now: datetime) -> set[date]:
        """Days that were restored, and are to stay for a while."""
        rows = self._records.days(tenant, state="restored")
        return {row["day"] for row in rows if row["keep_until"] is not None and row["keep_until"] > now}

    def _expire_rollups(self, found: Expired, upto: datetime, kept: set[date], *, dry: bool) -> None:
        """Whole months only: everyone is counted anew afterwards, from what is left."""
        sealed = self._store.rollups.seals.of(found.tenant).days
        old = set(self._raw.kept_until(found.tenant, upto)) & sealed.keys()
        months = {month_of(day) for day in old} - {month_of(day) for day in (sealed.keys() - old) | kept}
        if not months:
            return
        zone = self._store.zone_of(found.tenant)
        present = {month_of(row["day"]) for row in self._raw.due(found.tenant, zone, datetime.now(UTC))}
        found.rollup_days = sorted(day for day in old if month_of(day) in months - present)
        if found.rollup_days and not dry:
            rollups, days = self._store.rollups, set(found.rollup_days)
            rollups.seal(found.tenant, days, upto, State.FORGOTTEN, zone=zone)
            self._forget_kept(found.tenant, found.rollup_days)

    def _forget_kept(self, tenant: str, days: list[date]) -> None:
        """Fill the rollups anew without days that are forgotten, and delete what was kept of those."""
        rollups = self._store.rollups
        ever = datetime(2200, 1, 1, tzinfo=UTC)
        there = set(days).intersection(self._raw.kept_until(tenant, ever))
        if there:
            zone = self._store.zone_of(tenant)
            rollups.reheat(tenant)
            rollups.roll(quiet_seconds=0, of=tenant)
            self._raw.purge(Due(tenant, zone, ever, tuple(sorted(there))), rollups.seals.of(tenant))

    def _expire_archives(self, found: Expired, ages: Ages, now: datetime, users: list[str], *, dry: bool) -> None:
        for row in self._records.archives(found.tenant):
            due = row["last_received"] is not None and row["last_received"] <= ages.archives_before(now)
            if row["state"] != "kept" or not due or self._holds_any(row, users):
                continue
            if not dry:
                self._undo(row)
            found.archives.append(row["id"])

    def _holds_any(self, row: Record, users: list[str]) -> bool:
        """Whether an archive has events of some users."""
        if not users:
            return False
        blocks = self._packing.read(row["folder"], self._packing.manifest(row["folder"]))
        known = (carried(self._store, row["tenant"], block)["user"].to_pylist() for block in blocks)
        return any(not set(users).isdisjoint(some) for some in known)


def _compare(manifest: Manifest, summary: Record, due: Due) -> None:
    """The archive must hold each event that is to go. Raises Unavailable; nothing is deleted then."""
    same = manifest.rows == summary["rows"] and manifest.keys == int(summary["keys"])
    if not same or set(manifest.days) != set(due.days):
        raise Unavailable(
            f"archive {manifest.archive} of {due.tenant} holds {manifest.rows} events, the table {summary['rows']}, or"
            " their keys or days differ; nothing was deleted"
        )
