"""The table of segments."""

from sqlalchemy import JSON, Column, String, Table
from sqlalchemy.dialects.postgresql import JSONB

from rollbook.store.records.tables import Moment, metadata, owner

segments = Table(
    "segments",
    metadata,
    owner(),
    Column("id", String, primary_key=True),
    Column("title", String, nullable=False, default=""),
    Column("condition", JSON().with_variant(JSONB(), "postgresql"), nullable=False),
    Column("made_by", String, nullable=False, default=""),
    Column("created", Moment, nullable=False),
    Column("changed", Moment, nullable=False),
)
