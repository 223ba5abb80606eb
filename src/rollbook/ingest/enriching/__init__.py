"""Enriching: what is added to events on their way in. To add an enricher: its file, one line in `enriching.py`."""
