"""Settings of the audit trail."""

from pydantic import BaseModel


class AuditSettings(BaseModel):
    """What is written down of who saw what."""
