"""Sharing: what is told of committed events, in this process and through Redis."""

from rollbook.store.sharing.committed import Committed
from rollbook.store.sharing.history import History, Published

__all__ = ["Committed", "History", "Published"]
