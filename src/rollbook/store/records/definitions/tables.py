"""The table of event definitions."""

from sqlalchemy import JSON, BigInteger, Column, String, Table
from sqlalchemy.dialects.postgresql import JSONB

from rollbook.store.records.tables import Moment, metadata, owner

# schema: JSON Schema of the properties. stamp: a number of chance, new with every change
event_definitions = Table(
    "event_definitions",
    metadata,
    owner(),
    Column("type", String, primary_key=True),
    Column("description", String, nullable=False, default=""),
    Column("schema", JSON().with_variant(JSONB(), "postgresql"), nullable=False),
    Column("stamp", BigInteger, nullable=False),
    Column("changed", Moment, nullable=False),
)
