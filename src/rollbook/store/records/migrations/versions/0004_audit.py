"""Tables of the audit trail: heads and sealed identities."""

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Make the tables."""
