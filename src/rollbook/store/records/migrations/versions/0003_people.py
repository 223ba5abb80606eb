"""Tables of people: identities, merges, memberships, guardianships."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0003"
down_revision = "0002"

MOMENT = sa.DateTime(timezone=True)
OBJECT = sa.JSON().with_variant(JSONB(), "postgresql")


def upgrade() -> None:
    """Make the tables."""
    persons()
    op.create_table(
        "memberships",
        tenant(),
        sa.Column("course", sa.String),
        sa.Column("user", sa.String),
        sa.Column("role", sa.String),
        *told(),
        sa.PrimaryKeyConstraint("tenant", "course", "user", "role", name="pk_memberships"),
        goes_with("memberships", "tenants", ["tenant"], ["id"]),
        goes_with("memberships", "courses", ["tenant", "course"], ["tenant", "id"]),
    )
    op.create_index("ix_memberships_tenant_user", "memberships", ["tenant", "user"])
    op.create_table(
        "guardianships",
        tenant(),
        sa.Column("ward", sa.String),
        sa.Column("guardian", sa.String),
        sa.Column("verified_by", sa.String, nullable=False),
        *told(),
        sa.PrimaryKeyConstraint("tenant", "ward", "guardian", name="pk_guardianships"),
        goes_with("guardianships", "tenants", ["tenant"], ["id"]),
    )
    op.create_index("ix_guardianships_tenant_guardian", "guardianships", ["tenant", "guardian"])


def persons() -> None:
    """People, the ids they are known by, and which of them were merged."""
    op.create_table(
        "people",
        tenant(),
        sa.Column("id", sa.String),
        sa.Column("root", sa.String, nullable=False),
        sa.Column("birth_date", sa.Date),
        sa.Column("birth_year", sa.Integer),
        sa.Column("country", sa.String, nullable=False),
        sa.Column("postsecondary_from", sa.Date),
        sa.Column("traits", OBJECT, nullable=False),
        sa.Column("created", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "id", name="pk_people"),
        goes_with("people", "tenants", ["tenant"], ["id"]),
    )
    op.create_index("ix_people_tenant_root", "people", ["tenant", "root"])
    op.create_table(
        "identities",
        tenant(),
        sa.Column("scheme", sa.String),
        sa.Column("value", sa.String),
        sa.Column("person", sa.String, nullable=False),
        sa.Column("since", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "scheme", "value", name="pk_identities"),
        goes_with("identities", "tenants", ["tenant"], ["id"]),
        goes_with("identities", "people", ["tenant", "person"], ["tenant", "id"], named="person"),
    )
    op.create_index("ix_identities_tenant_person", "identities", ["tenant", "person"])
    op.create_table(
        "merges",
        tenant(),
        sa.Column("id", sa.String),
        sa.Column("kept", sa.String, nullable=False),
        sa.Column("merged", sa.String, nullable=False),
        sa.Column("moved", OBJECT, nullable=False),
        sa.Column("made", MOMENT, nullable=False),
        sa.Column("made_by", sa.String, nullable=False),
        sa.Column("undone", MOMENT),
        sa.Column("undone_by", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "id", name="pk_merges"),
        goes_with("merges", "tenants", ["tenant"], ["id"]),
        goes_with("merges", "people", ["tenant", "kept"], ["tenant", "id"], named="kept"),
        goes_with("merges", "people", ["tenant", "merged"], ["tenant", "id"], named="merged"),
    )


def tenant() -> sa.Column[str]:
    """Whose it is."""
    return sa.Column("tenant", sa.String)


def told() -> list[sa.Column[object]]:
    """From when to when it holds, and who said so."""
    return [
        sa.Column("begins", sa.Date),
        sa.Column("ends", sa.Date),
        sa.Column("source", sa.String, nullable=False),
        sa.Column("ref", sa.String, nullable=False),
        sa.Column("seen", sa.String, nullable=False),
    ]


def goes_with(
    table: str, other: str, columns: list[str], keys: list[str], *, named: str = ""
) -> sa.ForeignKeyConstraint:
    """A foreign key: the row goes when the other does."""
    name = f"fk_{table}_{named or other}"
    return sa.ForeignKeyConstraint(columns, [f"{other}.{key}" for key in keys], name=name, ondelete="CASCADE")
