"""Lifecycle: how long what is kept, where it goes then, and what is held back."""

from rollbook.governance.lifecycle.archives import remove_people
from rollbook.governance.lifecycle.expiring import Expired, Expiry
from rollbook.governance.lifecycle.holds import Hold, held
from rollbook.governance.lifecycle.restoring import Restored, Restoring

__all__ = ["Expired", "Expiry", "Hold", "Restored", "Restoring", "held", "remove_people"]
