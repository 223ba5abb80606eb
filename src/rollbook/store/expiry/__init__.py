"""Expiry: how raw events leave the events table while the rollups keep what they know of them."""

from rollbook.store.expiry.sealed import NOTHING_SEALED, Leaving, Sealed
from rollbook.store.expiry.seals import State

__all__ = ["NOTHING_SEALED", "Leaving", "Sealed", "State"]
