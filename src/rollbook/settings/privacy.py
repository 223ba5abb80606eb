"""Settings of privacy: pseudonyms, consent, sealing."""

from pydantic import BaseModel


class PrivacySettings(BaseModel):
    """How people are protected."""
