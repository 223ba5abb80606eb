"""Minimisation: what is taken out of an event's properties before it is kept."""
