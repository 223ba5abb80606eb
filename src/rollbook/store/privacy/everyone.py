"""Everyone: the people of whom a tenant has events."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from rollbook.store.scope import DAY, Scope
from rollbook.store.store import Store

QUESTION = "select user from people_scope"


def everyone(store: Store, tenant: str) -> list[str]:
    """The stored ids of all who have events, whoever may see them. Raises Unavailable, QueryTimeout."""
    ahead = timedelta(seconds=store.settings.max_future_seconds) + DAY
    with store.rollups.reading(tenant) as hot:
        scope = Scope(tenant, datetime.now(UTC) + ahead, zone=store.zone_of(tenant), hot=hot)
        scope = replace(scope, sealed=store.rollups.sealed(tenant))
        sql = scope.sql(QUESTION)
        bound = {name: value for name, value in scope.parameters().items() if "{" + name + ":" in sql}
        return sorted(row["user"] for row in store.engine.query(sql, bound, unlimited=True))
