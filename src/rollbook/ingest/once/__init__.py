"""Once: which events have been committed before, so that each is counted once."""
