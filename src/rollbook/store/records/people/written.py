"""Written: what became of rows that were told again."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

# told anew with every import, which changes nobody's place
NOTES = frozenset({"source", "ref", "seen"})


@dataclass(slots=True)
class Written:
    """How many rows are new, changed, as they were; and why others were refused, by their place."""

    new: int = 0
    changed: int = 0
    unchanged: int = 0
    refused: dict[int, str] = field(default_factory=dict)

    def note(self, before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> None:
        """Count a row."""
        if before is None:
            self.new += 1
        elif any(before[name] != value for name, value in after.items() if name not in NOTES):
            self.changed += 1
        else:
            self.unchanged += 1
