"""The roster: who is in which course and who answers for whom, as the school tells it."""

from rollbook.governance.roster.items import Counts, Outcome, Refusal, Told
from rollbook.governance.roster.merging import Merged, merge, undo
from rollbook.governance.roster.putting import ERASED, MOST_ITEMS, Saying, hidden, put

__all__ = [
    "ERASED",
    "MOST_ITEMS",
    "Counts",
    "Merged",
    "Outcome",
    "Refusal",
    "Saying",
    "Told",
    "hidden",
    "merge",
    "put",
    "undo",
]
