"""Minimising: the steps of the way in, and of imports, that replace who somebody is before anything is kept."""
