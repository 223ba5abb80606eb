"""The tables of people's rights: requests and tombstones.

`person` and `wishes` are sealed, and taken out when an erasure is done; `digest` is keyed and stays.
"""

from sqlalchemy import JSON, Column, LargeBinary, String, Table
from sqlalchemy.dialects.postgresql import JSONB

from rollbook.store.records.tables import Moment, metadata, owner

OBJECT = JSON().with_variant(JSONB(), "postgresql")

requests = Table(
    "privacy_requests",
    metadata,
    owner(),
    Column("id", String, primary_key=True),
    Column("kind", String, nullable=False),
    Column("state", String, nullable=False, index=True),
    Column("asked_by", String, nullable=False, default=""),
    Column("person", LargeBinary),
    Column("digest", String, nullable=False),
    Column("wishes", LargeBinary),
    Column("received", Moment, nullable=False),
    Column("deadline", Moment, nullable=False),
    Column("begun", Moment),
    Column("ended", Moment),
    Column("why", String, nullable=False, default=""),
    Column("steps", OBJECT, nullable=False, default=dict),
    Column("receipt", OBJECT),
    Column("package_until", Moment),
)

tombstones = Table(
    "tombstones",
    metadata,
    owner(),
    Column("digest", String, primary_key=True),
    Column("request", String, nullable=False),
    Column("made", Moment, nullable=False),
)
