"""The table of prices. Rates are decimals as text: no database's floating numbers come near money."""

from sqlalchemy import Boolean, Column, String, Table, UniqueConstraint

from rollbook.store.records.tables import Moment, metadata, owner

prices = Table(
    "prices",
    metadata,
    owner(),
    Column("id", String, primary_key=True),
    Column("provider", String, nullable=False),
    Column("model", String, nullable=False),
    Column("valid_from", Moment, nullable=False),
    Column("currency", String, nullable=False),
    Column("input_rate", String, nullable=False),
    Column("cached_rate", String),
    Column("output_rate", String),
    Column("reasoning_rate", String),
    Column("cached_within_input", Boolean),
    Column("reasoning_within_output", Boolean),
    UniqueConstraint("tenant", "provider", "model", "valid_from", name="uq_prices_tenant"),
)
