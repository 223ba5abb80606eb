"""IN: events come in, are checked, counted once and committed."""
