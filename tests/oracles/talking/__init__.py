"""Oracles of conversations."""
