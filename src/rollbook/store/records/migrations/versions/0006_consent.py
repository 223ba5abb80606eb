"""Tables of consent: every decision, and those that hold."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "consent_decisions",
        sa.Column("tenant", sa.String),
        sa.Column("number", sa.Integer),
        sa.Column("user", sa.String, nullable=False),
        sa.Column("purpose", sa.String, nullable=False),
        sa.Column("given", sa.Boolean, nullable=False),
        sa.Column("capacity", sa.String, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("decided_by", sa.String, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("evidence", sa.String, nullable=False),
        sa.Column("policy", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "number", name="pk_consent_decisions"),
        of_tenant("consent_decisions"),
    )
    op.create_index("ix_consent_decisions_tenant_user", "consent_decisions", ["tenant", "user"])
    op.create_table(
        "consents",
        sa.Column("tenant", sa.String),
        sa.Column("user", sa.String),
        sa.Column("purpose", sa.String),
        sa.Column("capacity", sa.String),
        sa.Column("given", sa.Boolean, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "user", "purpose", "capacity", name="pk_consents"),
        of_tenant("consents"),
    )


def of_tenant(table: str) -> sa.ForeignKeyConstraint:
    """A foreign key: the row goes when its tenant does."""
    return sa.ForeignKeyConstraint(["tenant"], ["tenants.id"], name=f"fk_{table}_tenants", ondelete="CASCADE")
