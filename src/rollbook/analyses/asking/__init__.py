"""Asking: what an answer is, what a question may read, and what can be set beside an answer."""
