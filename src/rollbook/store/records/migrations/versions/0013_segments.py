"""The table of segments."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0013"
down_revision = "0012"

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "segments",
        sa.Column("tenant", sa.String),
        sa.Column("id", sa.String),
        sa.Column("title", sa.String, nullable=False),
        sa.Column("condition", sa.JSON().with_variant(JSONB(), "postgresql"), nullable=False),
        sa.Column("made_by", sa.String, nullable=False),
        sa.Column("created", MOMENT, nullable=False),
        sa.Column("changed", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "id", name="pk_segments"),
        sa.ForeignKeyConstraint(["tenant"], ["tenants.id"], name="fk_segments_tenants", ondelete="CASCADE"),
    )
