"""The first records: tenants, courses, learners, enrolments, assessments, imports."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0001"
down_revision = None

MOMENT = sa.DateTime(timezone=True)
OBJECT = sa.JSON().with_variant(JSONB(), "postgresql")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "tenants",
        sa.Column("id", sa.String),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("timezone", sa.String),
        sa.Column("created", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_tenants"),
    )
    learning()
    op.create_table(
        "imports",
        sa.Column("source", sa.String),
        sa.Column("tenant", sa.String, nullable=False),
        sa.Column("started", MOMENT, nullable=False),
        sa.Column("finished", MOMENT),
        sa.Column("rows", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("source", name="pk_imports"),
        goes_with("imports", "tenants", ["tenant"], ["id"]),
    )
    op.create_index("ix_imports_tenant", "imports", ["tenant"])
    op.create_table(
        "import_chunks",
        sa.Column("source", sa.String),
        sa.Column("chunk", sa.String),
        sa.Column("started", MOMENT, nullable=False),
        sa.Column("finished", MOMENT),
        sa.Column("rows", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("source", "chunk", name="pk_import_chunks"),
        goes_with("import_chunks", "imports", ["source"], ["source"]),
    )


def learning() -> None:
    """Courses, learners, enrolments, assessments."""
    op.create_table(
        "courses",
        sa.Column("tenant", sa.String),
        sa.Column("id", sa.String),
        sa.Column("module", sa.String, nullable=False),
        sa.Column("presentation", sa.String, nullable=False),
        sa.Column("starts", sa.Date),
        sa.Column("days", sa.Integer),
        sa.PrimaryKeyConstraint("tenant", "id", name="pk_courses"),
        goes_with("courses", "tenants", ["tenant"], ["id"]),
    )
    op.create_table(
        "learners",
        sa.Column("tenant", sa.String),
        sa.Column("id", sa.String),
        sa.Column("traits", OBJECT, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "id", name="pk_learners"),
        goes_with("learners", "tenants", ["tenant"], ["id"]),
    )
    op.create_table(
        "enrolments",
        sa.Column("tenant", sa.String),
        sa.Column("learner", sa.String),
        sa.Column("course", sa.String),
        sa.Column("registered", sa.Date),
        sa.Column("unregistered", sa.Date),
        sa.Column("result", sa.String),
        sa.Column("traits", OBJECT, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "learner", "course", name="pk_enrolments"),
        goes_with("enrolments", "tenants", ["tenant"], ["id"]),
        goes_with("enrolments", "courses", ["tenant", "course"], ["tenant", "id"]),
        goes_with("enrolments", "learners", ["tenant", "learner"], ["tenant", "id"]),
    )
    op.create_index("ix_enrolments_course", "enrolments", ["course"])
    op.create_table(
        "assessments",
        sa.Column("tenant", sa.String),
        sa.Column("id", sa.String),
        sa.Column("course", sa.String, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("day", sa.Integer),
        sa.Column("weight", sa.Float),
        sa.PrimaryKeyConstraint("tenant", "id", name="pk_assessments"),
        goes_with("assessments", "tenants", ["tenant"], ["id"]),
        goes_with("assessments", "courses", ["tenant", "course"], ["tenant", "id"]),
    )
    op.create_index("ix_assessments_course", "assessments", ["course"])


def goes_with(table: str, other: str, columns: list[str], keys: list[str]) -> sa.ForeignKeyConstraint:
    """A foreign key: the row goes when the other does."""
    named = f"fk_{table}_{other}"
    return sa.ForeignKeyConstraint(columns, [f"{other}.{key}" for key in keys], name=named, ondelete="CASCADE")
