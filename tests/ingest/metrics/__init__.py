"""Tests of samples on their way in."""
