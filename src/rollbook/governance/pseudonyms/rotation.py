"""Rotation: changes the key of a tenant's pseudonyms, and rewrites all that is stored under the old one.

While it lasts, calls of the tenant are answered 503. Whatever is killed when, the next call goes on where it was.
"""

from collections.abc import Callable

import pyarrow as pa
import structlog

from rollbook.errors import Conflict
from rollbook.governance.directory import context
from rollbook.governance.pseudonyms.chain import Chain
from rollbook.governance.pseudonyms.pseudonyms import Pseudonyms, pseudonyms_of
from rollbook.store import Store
from rollbook.store.records.holdings import leave_nothing
from rollbook.store.records.renaming import Renaming
from rollbook.store.records.sealing import SealedRecords
from rollbook.store.rewriting import Rewriting, pattern_of, renamed

log = structlog.get_logger()

# told after every stretch: rows that are rewritten, rows in all, and what was rewritten
Progress = Callable[[int, int, str], None]


def rotate(store: Store, tenant: str, *, drained: Callable[[], None], progress: Progress) -> int:
    """Change the key, or go on with a change; the new version.

    `drained` returns once all that was on its way in when it is called is stored. Raises Conflict for a tenant without
    pseudonyms, Unavailable where another process writes.
    """
    pseudonyms = pseudonyms_of(store)
    if not pseudonyms.tenants.settings(tenant).pseudonyms:
        raise Conflict(f"tenant {tenant!r} keeps user ids as they are given; there is no key to change")
    old = pseudonyms.sealing.versions(tenant, "people", make=True)[-1]
    new = pseudonyms.sealing.begin_change(tenant, "people")
    log.info("key_change_begun", tenant=tenant, version=new)
    drained()
    chain = pseudonyms.coming_chain(tenant)
    rewriting = Rewriting(store.engine, tenant, old, new)
    # all days are read from the events meanwhile, and the rollups are filled anew afterwards
    store.rollups.move(tenant, lambda: _rewrite(store, (tenant, new), rewriting, chain, progress))
    _switch(store, tenant, pseudonyms, (old, new), chain)
    log.info("key_changed", tenant=tenant, version=new)
    return new


def carried(store: Store, tenant: str, rows: pa.Table) -> pa.Table:
    """Events that were stored a while ago, under the pseudonyms of today."""
    chain = pseudonyms_of(store).chain(tenant)
    if chain is None or not chain.was_changed:
        return rows
    return renamed(rows, "events", pattern_of("[1-9][0-9]{0,4}"), chain.carried)


def _rewrite(store: Store, change: tuple[str, int], rewriting: Rewriting, chain: Chain, progress: Progress) -> None:
    records = SealedRecords(store.records.database)
    states = records.stretches(*change)
    stretches = rewriting.stretches()
    done, total = 0, sum(stretch.rows for stretch in stretches)
    for stretch in stretches:
        state = states.get(stretch.name)
        progress(done, total, stretch.name)
        if state != "copied":
            # rows that came late into a stretch that was done stand beside good ones
            late = state in ("done", "late")
            records.note_stretch(*change, stretch.name, "late" if late else "copying")
            rewriting.copy(stretch, chain.of, torn=state == "copying")
            records.note_stretch(*change, stretch.name, "copied")
        rewriting.drop(stretch)
        records.note_stretch(*change, stretch.name, "done")
        done += stretch.rows
    progress(done, total, "records")


def _switch(store: Store, tenant: str, pseudonyms: Pseudonyms, versions: tuple[int, int], chain: Chain) -> None:
    old, new = versions
    records, sealing = SealedRecords(store.records.database), pseudonyms.sealing
    sealed = {}
    for user, name in records.names(tenant).items():
        stored = chain.of(user)
        text = sealing.unseal(tenant, name, context=context(user), ring="people")
        sealed[stored] = sealing.seal(tenant, text, context=context(stored), ring="people", version=new)
    records.switch(tenant, Renaming(f"p{old}_", pattern_of(str(old)), chain.of), sealed)
    leave_nothing(store.records.database)
    pseudonyms.forget(tenant)
    store.records.people.recent.forget()
