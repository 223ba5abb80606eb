"""Consent: whose events may be used, and for what."""

from typing import Literal

from rollbook.store import Store

Purpose = Literal["analytics", "prediction", "text", "sharing"]


def left_out(store: Store, tenant: str, purpose: Purpose = "analytics") -> tuple[str, ...]:
    """Stored ids of the people whose events no answer for this purpose may hold."""
    return ()
