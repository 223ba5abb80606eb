"""Tables of the lifecycle: archives, the days in them, and holds."""

from sqlalchemy import BigInteger, Column, Date, ForeignKeyConstraint, Integer, String, Table

from rollbook.store.records.tables import Moment, metadata, owner

# state: `writing`, then `kept`
archives = Table(
    "archives",
    metadata,
    owner(),
    Column("id", String, primary_key=True),
    Column("folder", String, nullable=False),
    Column("zone", String, nullable=False),
    Column("state", String, nullable=False),
    Column("upto", Moment, nullable=False),
    Column("created", Moment, nullable=False),
    Column("first_received", Moment),
    Column("last_received", Moment),
    Column("rows", Integer, nullable=False, default=0),
    Column("bytes", BigInteger, nullable=False, default=0),
    Column("digest", String, nullable=False, default=""),
)

# state: `archived`: its events are only there; `restored`: they are among the events again
archive_days = Table(
    "archive_days",
    metadata,
    Column("tenant", String, primary_key=True),
    Column("archive", String, primary_key=True),
    Column("day", Date, primary_key=True),
    Column("rows", Integer, nullable=False),
    Column("state", String, nullable=False),
    Column("keep_until", Moment),
    ForeignKeyConstraint(["tenant", "archive"], ["archives.tenant", "archives.id"], ondelete="CASCADE"),
)

# `user` "": all of the tenant
holds = Table(
    "holds",
    metadata,
    owner(),
    Column("id", String, primary_key=True),
    Column("user", String, nullable=False, default=""),
    Column("why", String, nullable=False),
    Column("placed_by", String, nullable=False, default=""),
    Column("placed", Moment, nullable=False),
    Column("lifted_by", String, nullable=False, default=""),
    Column("lifted", Moment),
)
