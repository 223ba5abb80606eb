"""Tables of the lifecycle: archives and holds."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "archives",
        sa.Column("tenant", sa.String),
        sa.Column("id", sa.String),
        sa.Column("folder", sa.String, nullable=False),
        sa.Column("zone", sa.String, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("upto", MOMENT, nullable=False),
        sa.Column("created", MOMENT, nullable=False),
        sa.Column("first_received", MOMENT),
        sa.Column("last_received", MOMENT),
        sa.Column("rows", sa.Integer, nullable=False),
        sa.Column("bytes", sa.BigInteger, nullable=False),
        sa.Column("digest", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "id", name="pk_archives"),
        of_tenant("archives"),
    )
    op.create_table(
        "archive_days",
        sa.Column("tenant", sa.String),
        sa.Column("archive", sa.String),
        sa.Column("day", sa.Date),
        sa.Column("rows", sa.Integer, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("keep_until", MOMENT),
        sa.PrimaryKeyConstraint("tenant", "archive", "day", name="pk_archive_days"),
        sa.ForeignKeyConstraint(
            ["tenant", "archive"],
            ["archives.tenant", "archives.id"],
            name="fk_archive_days_archives",
            ondelete="CASCADE",
        ),
    )
    op.create_table(
        "holds",
        sa.Column("tenant", sa.String),
        sa.Column("id", sa.String),
        sa.Column("user", sa.String, nullable=False),
        sa.Column("why", sa.String, nullable=False),
        sa.Column("placed_by", sa.String, nullable=False),
        sa.Column("placed", MOMENT, nullable=False),
        sa.Column("lifted_by", sa.String, nullable=False),
        sa.Column("lifted", MOMENT),
        sa.PrimaryKeyConstraint("tenant", "id", name="pk_holds"),
        of_tenant("holds"),
    )


def of_tenant(table: str) -> sa.ForeignKeyConstraint:
    """A foreign key: the row goes when its tenant does."""
    return sa.ForeignKeyConstraint(["tenant"], ["tenants.id"], name=f"fk_{table}_tenants", ondelete="CASCADE")
