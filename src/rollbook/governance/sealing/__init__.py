"""Sealing: what is kept encrypted under a tenant's own keys, and those under the master key."""

from rollbook.governance.sealing.sealing import Ring, Sealing

__all__ = ["Ring", "Sealing"]
