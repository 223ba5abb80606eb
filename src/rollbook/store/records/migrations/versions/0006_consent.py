"""Tables of consent: purposes, decisions, ages."""

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Make the tables."""
