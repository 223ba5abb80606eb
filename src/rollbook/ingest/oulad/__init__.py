"""The Open University Learning Analytics Dataset; what becomes of it stands in docs/imports/oulad.md."""

from rollbook.ingest.oulad.reading import import_oulad

__all__ = ["import_oulad"]
