"""Tests of the questions about conversations."""
