"""STORE: what is kept, and the only way to it."""

from rollbook.store import footprint
from rollbook.store.scope import Scope
from rollbook.store.store import Store

__all__ = ["Scope", "Store"]

# here, because modules that are loaded later convert their first lists while they are
footprint.leave_out_pandas()
