"""The tables of consent: every decision that was made, and those that hold now.

`purpose` `*` is the use of anything at all: `given` false is a restriction. `capacity`: who decided, the person or a
guardian. `kind`: what it was, a decision, an objection or a restriction.
"""

from sqlalchemy import Boolean, Column, Index, Integer, String, Table

from rollbook.store.records.tables import Moment, metadata, owner

decisions = Table(
    "consent_decisions",
    metadata,
    owner(),
    Column("number", Integer, primary_key=True),
    Column("user", String, nullable=False),
    Column("purpose", String, nullable=False),
    Column("given", Boolean, nullable=False),
    Column("capacity", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("decided_by", String, nullable=False, default=""),
    Column("at", Moment, nullable=False),
    Column("evidence", String, nullable=False, default=""),
    Column("policy", String, nullable=False, default=""),
    Index("ix_consent_decisions_tenant_user", "tenant", "user"),
)

standing = Table(
    "consents",
    metadata,
    owner(),
    Column("user", String, primary_key=True),
    Column("purpose", String, primary_key=True),
    Column("capacity", String, primary_key=True),
    Column("given", Boolean, nullable=False),
    Column("number", Integer, nullable=False),
    Column("at", Moment, nullable=False),
)
