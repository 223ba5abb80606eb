"""Tables of the audit trail: its secret, sealed identities, signed heads and checkpoints."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "audit_secrets",
        sa.Column("name", sa.String),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("created", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_audit_secrets"),
    )
    op.create_table(
        "audit_identities",
        sa.Column("id", sa.String),
        sa.Column("tenant", sa.String, nullable=False),
        sa.Column("digest", sa.String, nullable=False),
        sa.Column("key", sa.LargeBinary, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("created", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_identities"),
    )
    op.create_index("ix_audit_identities_digest", "audit_identities", ["digest"])
    op.create_table(
        "audit_addresses",
        sa.Column("digest", sa.String),
        sa.Column("identity", sa.String, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("created", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_audit_addresses"),
    )
    op.create_index("ix_audit_addresses_identity", "audit_addresses", ["identity"])
    for name in ("audit_heads", "audit_checkpoints"):
        marks(name)


def marks(name: str) -> None:
    """A table of signed marks of chains."""
    op.create_table(
        name,
        sa.Column("tenant", sa.String),
        sa.Column("chain", sa.String),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("hash", sa.String, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("key", sa.String, nullable=False),
        sa.Column("signature", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "chain", name=f"pk_{name}"),
    )
