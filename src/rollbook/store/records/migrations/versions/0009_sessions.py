"""The table of sessions."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0009"
down_revision = "0008"

MOMENT = sa.DateTime(timezone=True)
LIST = sa.JSON().with_variant(JSONB(), "postgresql")


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "sessions",
        sa.Column("id", sa.String),
        sa.Column("tenant", sa.String),
        sa.Column("credential", sa.String, nullable=False),
        sa.Column("subject", sa.String, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("roles", LIST, nullable=False),
        sa.Column("only", LIST),
        sa.Column("made", MOMENT, nullable=False),
        sa.Column("seen", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_sessions"),
        sa.ForeignKeyConstraint(["tenant"], ["tenants.id"], name="fk_sessions_tenants", ondelete="CASCADE"),
    )
    for column in ("tenant", "credential", "seen"):
        op.create_index(f"ix_sessions_{column}", "sessions", [column])
