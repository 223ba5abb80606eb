"""Tests of what follows from answers."""
