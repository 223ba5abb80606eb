"""Prices of models, one record for each model and date from which it holds."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import func, select

from rollbook.errors import Conflict, Invalid
from rollbook.store.records import tables
from rollbook.store.records.costs.tables import prices
from rollbook.store.records.database import Database, Record

MOST_PRICES = 1_000


class Prices:
    """A tenant's prices: `id, provider, model, valid_from, currency` and rates as text. Raises Unavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, tenant: str) -> list[Record]:
        """All of them, by provider, model and date."""
        chosen = select(prices).where(prices.c.tenant == tenant)
        return self._database.rows(chosen.order_by(prices.c.provider, prices.c.model, prices.c.valid_from))

    def one(self, tenant: str, price: str) -> Record | None:
        """One price, or None."""
        found = self._database.rows(select(prices).where(prices.c.tenant == tenant, prices.c.id == price))
        return found[0] if found else None

    def put(self, row: Mapping[str, Any]) -> None:
        """Make a price, or replace the one of its id.

        Raises Conflict where another is of the same model and moment, Invalid beyond MOST_PRICES.
        """
        of = prices.c.tenant == row["tenant"]
        same = [prices.c[name] == row[name] for name in ("provider", "model", "valid_from")]
        with self._database.write() as connection:
            self._database.put_new(connection, tables.tenants, [{"id": row["tenant"]}])
            others = select(prices.c.id).where(of, *same, prices.c.id != row["id"])
            if (other := connection.scalar(others)) is not None:
                raise Conflict(f"there is a price of this model from this moment already: {other}; change that one")
            known = connection.scalar(select(func.count()).select_from(prices).where(of)) or 0
            if known >= MOST_PRICES:
                raise Invalid(f"a tenant has at most {MOST_PRICES} prices; delete those of models no longer used")
            self._database.put(connection, prices, [dict(row)])

    def remove(self, tenant: str, price: str) -> bool:
        """Forget a price; whether there was one."""
        with self._database.write() as connection:
            of = [prices.c.tenant == tenant, prices.c.id == price]
            return bool(connection.execute(prices.delete().where(*of)).rowcount)
