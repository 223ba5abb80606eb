"""Sharing: what is told of committed events, in this process and through Redis."""

from rollbook.store.sharing.history import History, Published

__all__ = ["History", "Published"]
