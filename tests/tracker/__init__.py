"""Document 2 in Python."""
