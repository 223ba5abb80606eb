"""Costs: what models are used for, and what they cost."""
