"""The tables beside the audit trail: its secret, the sealed identities of its lines, signed heads and checkpoints.

They carry a tenant's name without being records of it: a trail outlives what it tells of, and a line must not make a
tenant.
"""

from datetime import UTC, datetime

from sqlalchemy import BigInteger, Column, Index, LargeBinary, String, Table

from rollbook.store.records.tables import Moment, metadata


def _now() -> datetime:
    return datetime.now(UTC)


# one row: what every key of this installation's trail is derived from, encrypted under the master key
audit_secrets = Table(
    "audit_secrets",
    metadata,
    Column("name", String, primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
    Column("created", Moment, nullable=False, default=_now),
)

# id: keyed digest of tenant and name, to find it by; digest: what stands in the lines, made with the identity's own key
audit_identities = Table(
    "audit_identities",
    metadata,
    Column("id", String, primary_key=True),
    Column("tenant", String, nullable=False),
    Column("digest", String, nullable=False),
    Column("key", LargeBinary, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("created", Moment, nullable=False, default=_now),
    Index("ix_audit_identities_digest", "digest"),
)

# identity: who called from there; the address is sealed with their key and goes with them
audit_addresses = Table(
    "audit_addresses",
    metadata,
    Column("digest", String, primary_key=True),
    Column("identity", String, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("created", Moment, nullable=False, default=_now),
    Index("ix_audit_addresses_identity", "identity"),
)


def _marks(name: str) -> Table:
    """Signed marks of chains: the hash of the line `number`."""
    return Table(
        name,
        metadata,
        Column("tenant", String, primary_key=True),
        Column("chain", String, primary_key=True),
        Column("number", BigInteger, nullable=False),
        Column("hash", String, nullable=False),
        Column("at", Moment, nullable=False),
        Column("key", String, nullable=False),
        Column("signature", String, nullable=False),
    )


audit_heads = _marks("audit_heads")
audit_checkpoints = _marks("audit_checkpoints")
