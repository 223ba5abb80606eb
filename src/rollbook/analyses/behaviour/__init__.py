"""Behaviour: in which order people do things, how often they come, and when they stop."""
