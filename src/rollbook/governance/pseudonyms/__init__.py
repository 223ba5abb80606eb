"""Pseudonyms: the id under which a user is stored, and how its key is changed or destroyed."""

from rollbook.governance.pseudonyms.chain import Chain, version_of
from rollbook.governance.pseudonyms.pseudonyms import Pseudonyms, known_as, pseudonyms_of

__all__ = ["Chain", "Pseudonyms", "known_as", "pseudonyms_of", "version_of"]
