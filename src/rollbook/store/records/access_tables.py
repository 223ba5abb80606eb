"""The tables of access: keys."""

from datetime import UTC, datetime

from sqlalchemy import Column, ForeignKey, String, Table

from rollbook.store.records.tables import Moment, metadata

# `hash`: SHA-256 of the whole key as hex; `previous`: of the key that it replaced, good until `previous_until`;
# `origins`: where web pages may use it, separated by spaces
keys = Table(
    "keys",
    metadata,
    Column("id", String, primary_key=True),
    Column("tenant", String, ForeignKey("tenants.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("role", String, nullable=False),
    Column("name", String, nullable=False, default=""),
    Column("hash", String, nullable=False),
    Column("previous", String),
    Column("previous_until", Moment),
    Column("origins", String, nullable=False, default=""),
    Column("created", Moment, nullable=False, default=lambda: datetime.now(UTC)),
    Column("expires", Moment),
    Column("revoked", Moment),
    Column("last_used", Moment),
)
