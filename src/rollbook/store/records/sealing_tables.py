"""Tables of sealing: the tenants' keys, and the names of people, both encrypted."""

from datetime import UTC, datetime

from sqlalchemy import Boolean, Column, Integer, LargeBinary, String, Table

from rollbook.store.records.tables import Moment, metadata, owner

tenant_keys = Table(
    "tenant_keys",
    metadata,
    owner(),
    Column("ring", String, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("serving", Boolean, nullable=False, default=True),
    Column("created", Moment, nullable=False, default=lambda: datetime.now(UTC)),
    Column("destroyed", Moment),
)

# how far the change of a tenant's key is: a row for each stretch of a table that holds both forms, or only the new one
rewritings = Table(
    "rewritings",
    metadata,
    owner(),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("stretch", String, primary_key=True),
    Column("state", String, nullable=False),
)

directory = Table(
    "directory",
    metadata,
    owner(),
    Column("user", String, primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
    Column("changed", Moment, nullable=False, default=lambda: datetime.now(UTC)),
)
