"""ASK: one file, one question."""
