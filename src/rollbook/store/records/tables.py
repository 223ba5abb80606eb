"""The tables of the records, as SQLAlchemy sees them; the migrations make them.

Every record belongs to a tenant and goes with it.
"""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    Column,
    Date,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    ForeignKeyConstraint,
    Integer,
    MetaData,
    String,
    Table,
    TypeDecorator,
)
from sqlalchemy.dialects.postgresql import JSONB

NAMES = {
    "pk": "pk_%(table_name)s",
    "fk": "fk_%(table_name)s_%(referred_table_name)s",
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
}
metadata = MetaData(naming_convention=NAMES)


class Moment(TypeDecorator[datetime]):
    """A moment, kept in UTC and aware again when read: SQLite has no zones."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """The same moment in UTC; a value without a zone is taken as UTC."""
        return value and (value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC))

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """The moment, aware."""
        return value and (value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC))


def traits() -> Column[Any]:
    """What is known beyond the columns, as a JSON object."""
    return Column("traits", JSON().with_variant(JSONB(), "postgresql"), nullable=False, default=dict)


def owner() -> Column[str]:
    """The tenant that a record belongs to."""
    return Column("tenant", String, ForeignKey("tenants.id", ondelete="CASCADE"), primary_key=True)


def of_course() -> ForeignKeyConstraint:
    """A record that goes with its course."""
    return ForeignKeyConstraint(["tenant", "course"], ["courses.tenant", "courses.id"], ondelete="CASCADE")


tenants = Table(
    "tenants",
    metadata,
    Column("id", String, primary_key=True),
    Column("name", String, nullable=False, default=""),
    Column("timezone", String),
    Column("settings", JSON().with_variant(JSONB(), "postgresql"), nullable=False, default=dict),
    Column("created", Moment, nullable=False, default=lambda: datetime.now(UTC)),
)

courses = Table(
    "courses",
    metadata,
    owner(),
    Column("id", String, primary_key=True),
    Column("module", String, nullable=False, default=""),
    Column("presentation", String, nullable=False, default=""),
    Column("starts", Date),
    Column("days", Integer),
)

# told: when what is known of a learner was last told by an event
learners = Table(
    "learners", metadata, owner(), Column("id", String, primary_key=True), traits(), Column("told", Moment)
)

enrolments = Table(
    "enrolments",
    metadata,
    owner(),
    Column("learner", String, primary_key=True),
    Column("course", String, primary_key=True, index=True),
    Column("registered", Date),
    Column("unregistered", Date),
    Column("result", String),
    traits(),
    of_course(),
    ForeignKeyConstraint(["tenant", "learner"], ["learners.tenant", "learners.id"], ondelete="CASCADE"),
)

assessments = Table(
    "assessments",
    metadata,
    owner(),
    Column("id", String, primary_key=True),
    Column("course", String, nullable=False, index=True),
    Column("kind", String, nullable=False, default=""),
    Column("day", Integer),
    Column("weight", Float),
    of_course(),
)

imports = Table(
    "imports",
    metadata,
    Column("source", String, primary_key=True),
    Column("tenant", String, ForeignKey("tenants.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("started", Moment, nullable=False),
    Column("finished", Moment),
    Column("rows", Integer, nullable=False, default=0),
)

import_chunks = Table(
    "import_chunks",
    metadata,
    Column("source", String, ForeignKey("imports.source", ondelete="CASCADE"), primary_key=True),
    Column("chunk", String, primary_key=True),
    Column("started", Moment, nullable=False),
    Column("finished", Moment),
    Column("rows", Integer, nullable=False, default=0),
)
