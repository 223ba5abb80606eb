"""Actions: what follows from answers."""
