"""Tables of sealing: the tenants' keys, and the names of people, both encrypted."""

from datetime import UTC, datetime

from sqlalchemy import Column, Integer, LargeBinary, String, Table

from rollbook.store.records.tables import Moment, metadata, owner

tenant_keys = Table(
    "tenant_keys",
    metadata,
    owner(),
    Column("ring", String, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("created", Moment, nullable=False, default=lambda: datetime.now(UTC)),
    Column("destroyed", Moment),
)

directory = Table(
    "directory",
    metadata,
    owner(),
    Column("user", String, primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
    Column("changed", Moment, nullable=False, default=lambda: datetime.now(UTC)),
)
