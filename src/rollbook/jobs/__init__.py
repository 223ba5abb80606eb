"""WHEN: what is done by itself, and how often."""
