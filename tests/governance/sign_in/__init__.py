"""Sessions, providers, and what browsers are told."""
