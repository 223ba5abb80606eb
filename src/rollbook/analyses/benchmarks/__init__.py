"""Benchmarks: how a period compares with those before it, and with other tenants."""
