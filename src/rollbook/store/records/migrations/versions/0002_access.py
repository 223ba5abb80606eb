"""Tables of access: keys, and the settings of tenants."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0002"
down_revision = "0001"

MOMENT = sa.DateTime(timezone=True)
OBJECT = sa.JSON().with_variant(JSONB(), "postgresql")


def upgrade() -> None:
    """Make the tables."""
    with op.batch_alter_table("tenants") as tenants:
        tenants.add_column(sa.Column("settings", OBJECT, nullable=False, server_default="{}"))
    op.create_table(
        "keys",
        sa.Column("id", sa.String),
        sa.Column("tenant", sa.String, nullable=False),
        sa.Column("role", sa.String, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("hash", sa.String, nullable=False),
        sa.Column("previous", sa.String),
        sa.Column("previous_until", MOMENT),
        sa.Column("origins", sa.String, nullable=False),
        sa.Column("created", MOMENT, nullable=False),
        sa.Column("expires", MOMENT),
        sa.Column("revoked", MOMENT),
        sa.Column("last_used", MOMENT),
        sa.PrimaryKeyConstraint("id", name="pk_keys"),
        sa.ForeignKeyConstraint(["tenant"], ["tenants.id"], name="fk_keys_tenants", ondelete="CASCADE"),
    )
    op.create_index("ix_keys_tenant", "keys", ["tenant"])
