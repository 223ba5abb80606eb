"""Rollbook: a learning-analytics engine. Events in, each counted exactly once; answers out."""

__version__ = "0.1.0"
