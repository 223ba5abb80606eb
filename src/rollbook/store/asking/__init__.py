"""Asking: turns, answers that are kept, and the changes that make them wrong."""
