"""Tests of tenants and people."""
