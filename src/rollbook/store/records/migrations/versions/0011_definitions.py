"""The table of event definitions; when a learner's traits were last told."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0011"
down_revision = "0010"

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the table and the column."""
    op.create_table(
        "event_definitions",
        sa.Column("tenant", sa.String),
        sa.Column("type", sa.String),
        sa.Column("description", sa.String, nullable=False),
        sa.Column("schema", sa.JSON().with_variant(JSONB(), "postgresql"), nullable=False),
        sa.Column("stamp", sa.BigInteger, nullable=False),
        sa.Column("changed", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "type", name="pk_event_definitions"),
        sa.ForeignKeyConstraint(["tenant"], ["tenants.id"], name="fk_event_definitions_tenants", ondelete="CASCADE"),
    )
    op.add_column("learners", sa.Column("told", MOMENT))
