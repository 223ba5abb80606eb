"""Checking: the step of the way in, and of imports, that holds events against their tenant's definitions."""
