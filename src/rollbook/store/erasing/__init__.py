"""Erasing: how a person's rows leave the event tables, and the disk, without a file that names them."""

from rollbook.store.erasing.correcting import correct_events
from rollbook.store.erasing.erasing import ERASED, Erasing, Target
from rollbook.store.erasing.words import finder, is_telling

__all__ = ["ERASED", "Erasing", "Target", "correct_events", "finder", "is_telling"]
