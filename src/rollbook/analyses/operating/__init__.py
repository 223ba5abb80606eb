"""Questions that operators ask: what comes in, and from where."""
