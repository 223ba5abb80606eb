"""Experiments: do variants differ, and may one believe it?"""
