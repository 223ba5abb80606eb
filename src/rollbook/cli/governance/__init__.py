"""Commands of governance: tenants and their people."""
