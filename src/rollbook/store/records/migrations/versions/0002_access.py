"""Tables of access: keys, and the settings of tenants."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0002"
down_revision = "0001"

OBJECT = sa.JSON().with_variant(JSONB(), "postgresql")


def upgrade() -> None:
    """Make the tables."""
    with op.batch_alter_table("tenants") as tenants:
        tenants.add_column(sa.Column("settings", OBJECT, nullable=False, server_default="{}"))
