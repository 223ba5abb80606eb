"""Tables of rights: requests with their receipts, and tombstones."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0007"
down_revision = "0006"

MOMENT = sa.DateTime(timezone=True)
OBJECT = sa.JSON().with_variant(JSONB(), "postgresql")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "privacy_requests",
        sa.Column("tenant", sa.String),
        sa.Column("id", sa.String),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("asked_by", sa.String, nullable=False),
        sa.Column("person", sa.LargeBinary),
        sa.Column("digest", sa.String, nullable=False),
        sa.Column("wishes", sa.LargeBinary),
        sa.Column("received", MOMENT, nullable=False),
        sa.Column("deadline", MOMENT, nullable=False),
        sa.Column("begun", MOMENT),
        sa.Column("ended", MOMENT),
        sa.Column("why", sa.String, nullable=False),
        sa.Column("steps", OBJECT, nullable=False),
        sa.Column("receipt", OBJECT),
        sa.Column("package_until", MOMENT),
        sa.PrimaryKeyConstraint("tenant", "id", name="pk_privacy_requests"),
        _of_tenant("privacy_requests"),
    )
    op.create_index("ix_privacy_requests_state", "privacy_requests", ["state"])
    op.create_table(
        "tombstones",
        sa.Column("tenant", sa.String),
        sa.Column("digest", sa.String),
        sa.Column("request", sa.String, nullable=False),
        sa.Column("made", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "digest", name="pk_tombstones"),
        _of_tenant("tombstones"),
    )


def _of_tenant(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["tenant"], ["tenants.id"], name=f"fk_{table}_tenants", ondelete="CASCADE")
