"""Tables of sealing: tenant keys and the directory."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "tenant_keys",
        sa.Column("tenant", sa.String),
        sa.Column("ring", sa.String),
        sa.Column("version", sa.Integer, autoincrement=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("serving", sa.Boolean, nullable=False),
        sa.Column("created", MOMENT, nullable=False),
        sa.Column("destroyed", MOMENT),
        sa.PrimaryKeyConstraint("tenant", "ring", "version", name="pk_tenant_keys"),
        of_tenant("tenant_keys"),
    )
    op.create_table(
        "directory",
        sa.Column("tenant", sa.String),
        sa.Column("user", sa.String),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("changed", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "user", name="pk_directory"),
        of_tenant("directory"),
    )
    op.create_table(
        "rewritings",
        sa.Column("tenant", sa.String),
        sa.Column("version", sa.Integer, autoincrement=False),
        sa.Column("stretch", sa.String),
        sa.Column("state", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "version", "stretch", name="pk_rewritings"),
        of_tenant("rewritings"),
    )


def of_tenant(table: str) -> sa.ForeignKeyConstraint:
    """The rows go with their tenant."""
    return sa.ForeignKeyConstraint(["tenant"], ["tenants.id"], name=f"fk_{table}_tenants", ondelete="CASCADE")
