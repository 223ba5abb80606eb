"""The table of prices."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "prices",
        sa.Column("tenant", sa.String),
        sa.Column("id", sa.String),
        sa.Column("provider", sa.String, nullable=False),
        sa.Column("model", sa.String, nullable=False),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("currency", sa.String, nullable=False),
        sa.Column("input_rate", sa.String, nullable=False),
        sa.Column("cached_rate", sa.String),
        sa.Column("output_rate", sa.String),
        sa.Column("reasoning_rate", sa.String),
        sa.Column("cached_within_input", sa.Boolean),
        sa.Column("reasoning_within_output", sa.Boolean),
        sa.PrimaryKeyConstraint("tenant", "id", name="pk_prices"),
        sa.ForeignKeyConstraint(["tenant"], ["tenants.id"], name="fk_prices_tenants", ondelete="CASCADE"),
        sa.UniqueConstraint("tenant", "provider", "model", "valid_from", name="uq_prices_tenant"),
    )
