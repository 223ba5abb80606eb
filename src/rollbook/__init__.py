"""Rollbook: a learning-analytics engine. Events in, each counted exactly once; answers out."""

import importlib
from typing import Any

__version__ = "0.1.0"
__all__ = ["AnalyticsAgent", "ConfigLoader", "__version__"]


def __getattr__(name: str) -> Any:
    """Document 1's classes, loaded with everything they need only when they are asked for."""
    if name in __all__:
        return getattr(importlib.import_module("rollbook.agent"), name)
    raise AttributeError(f"module 'rollbook' has no attribute {name!r}")
