"""The tables of people: who they are, the ids they are known by, their places in courses, their guardians.

Users are stored as events name them; only `identities` says which of them are one person.
"""

from datetime import UTC, datetime

from sqlalchemy import JSON, Column, Date, ForeignKeyConstraint, Index, Integer, String, Table
from sqlalchemy.dialects.postgresql import JSONB

from rollbook.store.records.tables import Moment, metadata, of_course, owner, traits


def _now() -> datetime:
    return datetime.now(UTC)


def _of_person(table: str, column: str) -> ForeignKeyConstraint:
    """A record that goes with a person."""
    named = f"fk_{table}_{column}"
    return ForeignKeyConstraint(["tenant", column], ["people.tenant", "people.id"], name=named, ondelete="CASCADE")


# root: the person that stands for all that were merged, often the person itself
people = Table(
    "people",
    metadata,
    owner(),
    Column("id", String, primary_key=True),
    Column("root", String, nullable=False),
    Column("birth_date", Date),
    Column("birth_year", Integer),
    Column("country", String, nullable=False, default=""),
    Column("postsecondary_from", Date),
    traits(),
    Column("created", Moment, nullable=False, default=_now),
    Index("ix_people_tenant_root", "tenant", "root"),
)

# scheme `user`: the value is a stored user id
identities = Table(
    "identities",
    metadata,
    owner(),
    Column("scheme", String, primary_key=True),
    Column("value", String, primary_key=True),
    Column("person", String, nullable=False),
    Column("since", Moment, nullable=False, default=_now),
    _of_person("identities", "person"),
    Index("ix_identities_tenant_person", "tenant", "person"),
)

# moved: the persons that `merged` stood for, itself among them
merges = Table(
    "merges",
    metadata,
    owner(),
    Column("id", String, primary_key=True),
    Column("kept", String, nullable=False),
    Column("merged", String, nullable=False),
    Column("moved", JSON().with_variant(JSONB(), "postgresql"), nullable=False, default=list),
    Column("made", Moment, nullable=False, default=_now),
    Column("made_by", String, nullable=False, default=""),
    Column("undone", Moment),
    Column("undone_by", String, nullable=False, default=""),
    _of_person("merges", "kept"),
    _of_person("merges", "merged"),
)

# ends: the first day on which it no longer holds. source: who says so; ref: what they call it; seen: in which import
memberships = Table(
    "memberships",
    metadata,
    owner(),
    Column("course", String, primary_key=True),
    Column("user", String, primary_key=True),
    Column("role", String, primary_key=True),
    Column("begins", Date),
    Column("ends", Date),
    Column("source", String, nullable=False, default="roster"),
    Column("ref", String, nullable=False, default=""),
    Column("seen", String, nullable=False, default=""),
    of_course(),
    Index("ix_memberships_tenant_user", "tenant", "user"),
)

guardianships = Table(
    "guardianships",
    metadata,
    owner(),
    Column("ward", String, primary_key=True),
    Column("guardian", String, primary_key=True),
    Column("verified_by", String, nullable=False, default=""),
    Column("begins", Date),
    Column("ends", Date),
    Column("source", String, nullable=False, default="roster"),
    Column("ref", String, nullable=False, default=""),
    Column("seen", String, nullable=False, default=""),
    Index("ix_guardianships_tenant_guardian", "tenant", "guardian"),
)
