"""Redaction: a person's names go out of the texts of other people's archived events."""

import re
from collections.abc import Sequence

import pyarrow as pa

from rollbook.store.erasing import ERASED, finder
from rollbook.store.erasing.words import forms

TEXTS = ("properties", "session", "content", "concept", "conversation")


class Redaction:
    """Puts `erased` in place of words, as the erasure of events does."""

    def __init__(self, words: Sequence[str]) -> None:
        self._found = finder(words) if words else None
        self._forms = sorted({form for word in words for form in forms(word)}, key=len, reverse=True)

    def __call__(self, rows: pa.Table) -> pa.Table:
        """The rows without the words."""
        if self._found is None:
            return rows
        for name in TEXTS:
            texts = rows[name].to_pylist()
            redacted = [self._found.sub(self._erased, text) if text else text for text in texts]
            if redacted != texts:
                rows = rows.set_column(rows.schema.get_field_index(name), name, pa.array(redacted, pa.string()))
        return rows.cast(rows.schema)

    def _erased(self, match: re.Match[str]) -> str:
        """What was found, its last word replaced: a key that stands before it stays, and a number stays JSON."""
        text = match.group()
        for form in self._forms:
            if text.endswith(form):
                before = text[: -len(form)]
                return before + (ERASED if not before or before.endswith('"') else f'"{ERASED}"')
        return ERASED
