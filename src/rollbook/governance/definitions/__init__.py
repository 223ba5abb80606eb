"""Event definitions: what a tenant says that its events look like, and whether they do."""

from rollbook.governance.definitions.compiled import Compiled
from rollbook.governance.definitions.definitions import (
    MOST_DEFINITIONS,
    Checks,
    Definition,
    Definitions,
    definitions_of,
)

__all__ = ["MOST_DEFINITIONS", "Checks", "Compiled", "Definition", "Definitions", "definitions_of"]
