"""STORE: what is kept, and the only way to it."""

from rollbook.store.scope import Scope
from rollbook.store.store import Store

__all__ = ["Scope", "Store"]
