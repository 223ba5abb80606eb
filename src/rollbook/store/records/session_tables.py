"""The table of sessions: who is signed in to the pages."""

from sqlalchemy import JSON, Column, ForeignKey, String, Table
from sqlalchemy.dialects.postgresql import JSONB

from rollbook.store.records.tables import Moment, metadata

sessions = Table(
    "sessions",
    metadata,
    # the SHA-256 of what the cookie holds: whoever reads the records can sign in as nobody
    Column("id", String, primary_key=True),
    Column("tenant", String, ForeignKey("tenants.id", ondelete="CASCADE"), index=True),
    Column("credential", String, nullable=False, index=True),
    Column("subject", String, nullable=False, default=""),
    Column("name", String, nullable=False, default=""),
    Column("roles", JSON().with_variant(JSONB(), "postgresql"), nullable=False),
    Column("only", JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")),
    Column("made", Moment, nullable=False),
    Column("seen", Moment, nullable=False, index=True),
)
