"""The texts of messages expire, each tenant's after its own number of days."""

from datetime import UTC, datetime, timedelta

from rollbook.governance.lifecycle.holds import held
from rollbook.governance.tenants import tenants_of
from rollbook.ingest.intake import Intake
from rollbook.store.privacy import message_texts


def expire(intake: Intake) -> int:
    """Delete the texts that are older than their tenant's `text_days`, where nothing is held; of how many tenants."""
    store = intake.store
    if not store.may_write():
        return 0
    expired = 0
    for tenant, oldest in message_texts.oldest(store.engine).items():
        if held(store, tenant):
            continue
        before = datetime.now(UTC) - timedelta(days=tenants_of(store).settings(tenant).text_days)
        if oldest < before:
            message_texts.expire(store.engine, tenant, before)
            expired += 1
    return expired
