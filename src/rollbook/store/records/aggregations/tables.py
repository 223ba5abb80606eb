"""The table of saved aggregations."""

from sqlalchemy import JSON, Column, String, Table
from sqlalchemy.dialects.postgresql import JSONB

from rollbook.store.records.tables import Moment, metadata, owner

aggregations = Table(
    "aggregations",
    metadata,
    owner(),
    Column("id", String, primary_key=True),
    Column("definition", JSON().with_variant(JSONB(), "postgresql"), nullable=False),
    Column("created", Moment, nullable=False),
    Column("created_by", String, nullable=False, default=""),
)
