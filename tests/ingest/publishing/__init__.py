"""Publishing through Redis."""
