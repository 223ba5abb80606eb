"""Tests of document 5's routes."""
